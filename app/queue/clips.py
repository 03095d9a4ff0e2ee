"""The sample clip. Without Qt."""

import shutil
from pathlib import Path

from dcvsr_engine.resources import resource


def own_sample(folder: Path) -> Path:
    """The bundled sample clip as a file in ``folder``, where its result can lie beside it."""
    path = folder / "sample" / "sample.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resource("clips", "sample.mp4"), path)
    return path
