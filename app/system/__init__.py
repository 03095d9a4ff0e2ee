"""What the program shares with the system around it: files, desktop, other instances."""
