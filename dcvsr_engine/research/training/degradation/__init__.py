"""Degradations that make low-resolution training clips, seeded and reproducible."""

from dcvsr_engine.research.training.degradation.presets import PRESETS, degrade_clip

__all__ = ["PRESETS", "degrade_clip"]
