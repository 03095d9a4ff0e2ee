"""The engine process and the messages it exchanges with the window."""
