"""Jobs: run, store, resume, report."""
