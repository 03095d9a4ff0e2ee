"""A model small enough to restore a clip within a second."""

from pathlib import Path

import jobs
import pytest
from hypothesis import settings

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with random weights and a Haar first stage; not to be changed."""
    return jobs.write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def learned_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_model`, with a learned upsampler that sees five frames and enlarges four times; not to be changed."""
    return jobs.write_model(tmp_path_factory.mktemp("models") / "learned", upsampler="learned")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny networks lose more by sharing out work than they gain."""
    import torch

    torch.set_num_threads(1)
