"""One segment from frames to frames, and what to do when memory runs out or numbers overflow."""
