"""The models a person can have: catalogue, download, import, verification. Torch-free, shared with the window."""
