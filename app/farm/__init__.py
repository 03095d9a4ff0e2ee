"""The window's side of a farm: who is in it, and how this computer comes in and out."""
