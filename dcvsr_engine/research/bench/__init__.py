"""Measurements of the method: what propagation does for neighbouring tiles, and what it and guidance cost."""
