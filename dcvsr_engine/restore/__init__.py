"""Planning and running restoration jobs."""
