"""The engine process, the job it runs, and how far that is."""
