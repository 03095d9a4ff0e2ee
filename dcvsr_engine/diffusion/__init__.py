"""Noise schedules, guidance, attention propagation and the tiled sampler."""
