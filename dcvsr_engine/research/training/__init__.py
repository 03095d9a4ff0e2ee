"""Training of the compact model and fine-tuning of the full one."""
