"""The queue: clips, their states, and the panel that shows them."""
