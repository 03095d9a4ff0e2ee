"""Checkpoint folders and the networks they hold."""
