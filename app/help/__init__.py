"""What the Help menu opens, and the log."""
