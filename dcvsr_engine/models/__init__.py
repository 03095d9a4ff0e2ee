"""Models: which there are, catalogue, download, import, verification. Torch-free but for `loading`; shared with the window."""
