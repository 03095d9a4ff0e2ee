"""A home of its own for every test; a model small enough to restore a clip within a second, and what it makes of a clip."""

from pathlib import Path

import jobs
import pytest
from hypothesis import settings

from dcvsr_engine.jobs.session import Loader, load_for
from dcvsr_engine.network.device import resolve_device
from dcvsr_engine.planning.ways import precision_for

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny networks lose more by sharing out work than they gain."""
    import torch

    from dcvsr_engine.planning.ways import most_threads

    torch.set_num_threads(1)
    assert most_threads() == 1, "it is asked once: no test that takes more threads may be the first to ask"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where jobs, models and packages of the user are."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def patient_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans look for cuts however busy the machine is."""
    monkeypatch.setattr("dcvsr_engine.jobs.plans.PLANNING_SECONDS", 600.0)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with random weights and a Haar first stage; not to be changed."""
    return jobs.write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def learned_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_model`, with a learned upsampler that sees five frames and enlarges four times; not to be changed."""
    return jobs.write_model(tmp_path_factory.mktemp("models") / "learned", upsampler="learned")


@pytest.fixture(scope="session")
def loader() -> Loader:
    """Loads every model once in every number format, whichever the settings of a test lead to."""
    loaded = {}

    def load(settings):
        key = settings.model, settings.device, precision_for(settings, resolve_device(settings.device))
        if key not in loaded:
            loaded[key] = load_for(settings)
        return loaded[key]

    return load


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of two segments; not to be changed."""
    return jobs.short_clip(tmp_path_factory.mktemp("clips") / "clip.mkv")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, clip: Path, tiny_model: Path) -> list[tuple[int | None, str]]:
    """The frames of `clip` restored without interruption."""
    from dcvsr_engine.jobs.job import run_job

    folder = tmp_path_factory.mktemp("whole")
    run_job(jobs.request(clip, folder / "out.mkv", tiny_model), folder=folder / "job")
    return jobs.fingerprint(folder / "out.mkv")
