"""Widgets and texts that several panels use."""
