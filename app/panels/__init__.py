"""The panels around the preview: settings, queue, run, models, report and log."""
