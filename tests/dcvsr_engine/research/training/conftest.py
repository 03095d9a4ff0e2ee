"""Something to train on, tiny."""

import pytest
import torch

from dcvsr_engine.research.training.data import Material, TrainingData


@pytest.fixture
def photos() -> TrainingData:
    """Pictures with edges at many scales, in place of photographs."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 12, 16, generator=generator)
    large = torch.nn.functional.interpolate(coarse, size=(120, 160), mode="nearest")
    pictures = [(255 * picture).byte() for picture in large]
    return TrainingData(Material(pictures[:5]), Material(pictures[5:]))
