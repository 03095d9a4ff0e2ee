"""Degradations that make low-resolution training clips, seeded and reproducible."""

from dcvsr_engine.training.degradation.presets import PRESETS, degrade

__all__ = ["PRESETS", "degrade"]
