"""DC-VSR video restoration engine: everything that restores video, without Qt."""

__version__ = "0.1.0"
