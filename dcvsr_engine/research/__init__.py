"""Training, evaluation and benchmarks; the restoring program does not import them."""
