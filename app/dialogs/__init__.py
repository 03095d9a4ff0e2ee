"""Dialogs of the window. None blocks the event loop."""
