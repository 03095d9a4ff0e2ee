"""What the window's tests share: folders of their own, a clip made on the fly, and the fake engine."""

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from app.engine_thread import EngineThread

sys.path.append(str(Path(__file__).parent))  # the fake engine is imported by the process that it runs in, too

from fake_engine import fake_engine


def write_clip(path: Path, frames: int = 8, width: int = 64, height: int = 48) -> Path:
    """A clip of moving stripes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        for index in range(frames):
            stripes = 127 + 120 * np.sin((columns + rows + 3 * index) / 5)
            picture = np.stack([stripes, 255 - stripes, np.full_like(stripes, 90)], axis=-1).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 8 frames, 64×48."""
    return write_clip(tmp_path_factory.mktemp("clips") / "stripes.mp4")


@pytest.fixture
def start_engine(qapp: object, tmp_path: Path) -> Iterator[Callable[..., EngineThread]]:
    """Start a fake engine with the given `Script` values; ended after the test."""
    engines: list[EngineThread] = []

    def start(**behaviour: object) -> EngineThread:
        engine = EngineThread(fake_engine(tmp_path / "jobs", **behaviour))
        engines.append(engine)
        engine.start()
        return engine

    yield start
    for engine in engines:
        if not engine.closed:
            engine.shut_down()
