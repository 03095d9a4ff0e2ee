"""What a job will do and need, before it runs: shots, segments, tiles, memory, disk, time."""
