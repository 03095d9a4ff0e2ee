"""Hostile files: read as far as they go, or refused in one sentence; never a hang or another kind of exception.

All of issue 4's: ``pytest -m slow tests/dcvsr_engine/video/test_fuzz.py``.
"""

import sys
from pathlib import Path

import pytest

from dcvsr_engine.errors import UserError
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

sys.path.append(str(Path(__file__).parent))

from hostile import LIES, good_clips, hostile_file


def try_all(seeds: range, folder: Path) -> None:
    """Read files one after the other; one that hangs ends in the limit that pytest sets every test."""
    good = good_clips(folder)
    for seed in seeds:
        path = hostile_file(good, folder, seed)
        try:
            with VideoReader(probe(path)) as reader:
                for _ in reader.frames(0, 60):
                    pass
                for frame in reader.frames(3, 4):
                    assert frame.index in (3, 4)
        except UserError as error:
            assert "\n" not in str(error) and str(error).endswith("."), path.name
        path.unlink()
    assert sorted(folder.iterdir()) == sorted(good)


def test_hostile_files(tmp_path: Path) -> None:
    try_all(range(len(LIES) + 80), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_hostile_files(tmp_path: Path) -> None:
    try_all(range(1000, 1300), tmp_path)
