"""Video in and out through PyAV: probe, reader, writer, colour."""
