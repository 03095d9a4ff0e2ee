"""A CUDA build of PyTorch beside the bundled one: find the GPU; install, verify, switch on, remove the build. Torch-free."""
