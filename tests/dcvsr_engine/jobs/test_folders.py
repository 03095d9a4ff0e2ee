"""Job folders: which there are, who holds them, and what is removed from them – never what a job did not write."""

import json
import multiprocessing
import os
from pathlib import Path

import jobs
import pytest

from dcvsr_engine.errors import JobError
from dcvsr_engine.jobs.folders import (
    OWN_NAME,
    discard_job,
    has_job,
    job_folder,
    read_request,
    sweep,
    unfinished_jobs,
)
from dcvsr_engine.jobs.manifest import MANIFEST, write_manifest
from dcvsr_engine.jobs.presence import Presence
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.storage import partial_path

OWN = [
    "job.json",
    "done.json",
    "lock",
    "unit-00001.video",
    "facts-00001.json",
    "state-00001-0002.ab1.safetensors",
    "overlap-00001.a.safetensors",
]
FOREIGN = ["thesis.txt", "unit.video", "my-unit-00001.video", ".hidden", "lock.txt", "job.json.bak", "facts.json"]


def begun(folder: Path) -> Path:
    """A folder with a job in it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, jobs.manifest(folder))
    return folder


def test_names_of_a_jobs_own_files_are_known():
    for name in OWN:
        assert OWN_NAME.fullmatch(name) and OWN_NAME.fullmatch(partial_path(Path(name)).name), name
    assert not [name for name in FOREIGN if OWN_NAME.fullmatch(name)]


def test_what_a_job_did_not_write_stays(tmp_path):
    folder = begun(tmp_path / "project")
    (folder / "photos").mkdir()
    for name in [*OWN[2:], *FOREIGN, "photos/1.jpg"]:
        (folder / name).write_text("mine")
    discard_job(folder)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {*FOREIGN, "photos/1.jpg"} and not has_job(folder)


def test_a_job_folder_goes_as_a_whole(tmp_path):
    folder = begun(tmp_path / "job")
    for name in OWN[1:]:
        (folder / name).write_text("mine")
    discard_job(folder)
    assert not folder.exists()
    discard_job(folder)  # and nothing happens where there is none


def test_the_same_request_has_the_same_folder(tmp_path):
    request = JobRequest(source=tmp_path / ("long name " * 9 + ".mkv"), target=tmp_path / "out.mkv")
    assert job_folder(request) == job_folder(JobRequest(source=request.source, target=request.target))
    other = JobRequest(source=request.source, target=request.target, settings=RestoreSettings(seed=1))
    assert job_folder(request) != job_folder(other) and job_folder(request).parent == jobs_folder()
    assert len(job_folder(request).name) < 60


def test_unfinished_jobs_are_listed_the_newest_first(tmp_path):
    for age, name in enumerate(["new", "old"]):
        os.utime(begun(jobs_folder() / name) / MANIFEST, (1e9 - age, 1e9 - age))
    assert [job.name for job in unfinished_jobs()] == ["new", "old"]
    assert all(job.size > 0 and job.request.frames == (3, 22) for job in unfinished_jobs())
    assert read_request(jobs_folder() / "old").settings.seed == 7


def test_where_there_is_no_job_no_request_is_read(tmp_path):
    with pytest.raises(JobError, match="is no job that can be continued"):
        read_request(tmp_path)


def hold(folder: Path, held, release) -> None:
    """Be at work on a job in another process."""
    with Presence(folder):
        held.set()
        release.wait(120)


def test_a_job_that_another_process_runs_is_not_removed(tmp_path):
    folder = begun(tmp_path / "job")
    context = multiprocessing.get_context("fork")
    held, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(folder, held, release))
    process.start()
    try:
        assert held.wait(120)
        with pytest.raises(JobError, match="is being run by another process"):
            discard_job(folder)
    finally:
        release.set()
        process.join(120)
    assert has_job(folder)


def test_folders_without_a_job_are_removed_when_they_are_old():
    folders = {name: jobs_folder() / name for name in ("old", "new", "foreign")}
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "unit-00000.video").write_text("left")
    (folders["foreign"] / "thesis.txt").write_text("mine")
    old_job = begun(jobs_folder() / "job")
    for folder in (folders["old"], folders["foreign"], old_job):
        os.utime(folder, (0, 0))
    sweep()
    assert not folders["old"].exists() and folders["new"].exists() and has_job(old_job)
    assert [path.name for path in folders["foreign"].iterdir()] == ["thesis.txt"]


def test_a_damaged_job_can_be_seen_and_removed():
    folder = begun(jobs_folder() / "damaged")
    (folder / MANIFEST).write_text("{")
    (folder / "unit-00000.video").write_bytes(bytes(1000))
    earlier = begun(jobs_folder() / "earlier")
    (earlier / MANIFEST).write_text(json.dumps({"format": 2, "request": {}}))
    found = {job.name: job for job in unfinished_jobs()}
    assert found.keys() == {"damaged", "earlier"} and found["damaged"].size > 1000
    for name, job in found.items():
        assert job.request is None and job.source is None and f"“dcvsr jobs clean {name}”" in job.description
    for job in found.values():
        discard_job(job.folder)
    assert not unfinished_jobs() and not folder.exists() and not earlier.exists()
