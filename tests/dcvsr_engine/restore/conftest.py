"""Jobs in a home of their own, on one thread."""

from collections.abc import Iterator
from pathlib import Path

import jobs
import pytest

from dcvsr_engine.jobs.session import Loader, load_for


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the jobs folder is; after the test there must be nothing half written in it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder


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


@pytest.fixture(scope="session")
def loader() -> Loader:
    """Loads every model once."""
    loaded = {}

    def load(settings):
        key = settings.model, settings.device, settings.precision
        if key not in loaded:
            loaded[key] = load_for(settings)
        return loaded[key]

    return load
