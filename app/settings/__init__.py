"""Settings of a job: the panel, its editors, presets."""
