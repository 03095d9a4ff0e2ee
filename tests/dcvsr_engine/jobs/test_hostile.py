"""Whole jobs on hostile files: restored as far as they go, or refused in one sentence; nothing is left over.

300 of them: ``pytest -m slow tests/dcvsr_engine/jobs/test_hostile.py``.
"""

import sys
from pathlib import Path

import jobs
import pytest

from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.paths import jobs_folder

sys.path.append(str(Path(__file__).parents[1] / "video"))

from hostile import LIES, good_clips, hostile_file

QUICK = {"steps": 1, "tile": 32, "sap": False, "tap": False}


def try_all(seeds: range, folder: Path, model: Path, loader) -> None:
    """Restore files one after the other; one that hangs ends in the limit that pytest sets every test."""
    good = good_clips(folder)
    for seed in seeds:
        path = hostile_file(good, folder, seed)
        target = folder / f"restored{('.mp4', '.mkv', '.mov')[seed % 3]}"
        try:
            report = run_job(jobs.request(path, target, model, codec="auto", **QUICK), loader=loader)
            assert len(jobs.pictures(target)) == report["frames_out"] > 0, path.name
            target.unlink()
        except UserError as error:
            assert "\n" not in str(error) and str(error).endswith("."), path.name
        path.unlink()
        assert sorted(folder.iterdir()) == sorted(good) and not list(jobs_folder().glob("*/job.json")), path.name


def test_jobs_on_hostile_files(tiny_model, tmp_path, loader):
    folder = tmp_path / "clips"
    folder.mkdir()
    try_all(range(len(LIES), len(LIES) + 12), folder, tiny_model, loader)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_jobs_on_many_hostile_files(tiny_model, tmp_path, loader):
    folder = tmp_path / "clips"
    folder.mkdir()
    try_all(range(1000, 1300), folder, tiny_model, loader)
