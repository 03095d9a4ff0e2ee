"""Models: what is there, what can be downloaded, and the window that manages them."""
