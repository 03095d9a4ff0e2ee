"""Models: installed and available ones, and the window that manages them."""
