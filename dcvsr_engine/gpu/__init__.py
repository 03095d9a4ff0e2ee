"""A CUDA build of PyTorch beside the bundled one: found, installed, verified, switched on, removed. Torch-free."""
