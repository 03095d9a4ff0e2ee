"""Jobs whose files were tampered with: other frames never come out with success, nothing hangs, all is one sentence."""

import json
import random
import shutil
from pathlib import Path

import jobs
import pytest
from jobs import CancelAt, Watch

from dcvsr_engine.errors import Cancelled, JobError, UserError
from dcvsr_engine.events import PhaseStarted, StepStarted
from dcvsr_engine.jobs import folders
from dcvsr_engine.jobs.folders import discard_job, unfinished_jobs
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import MANIFEST, read_manifest, seal_of
from dcvsr_engine.paths import jobs_folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory, clip, tiny_model, loader):
    """The request and the folder of a job whose first segment is finished; not to be changed."""
    folder = tmp_path_factory.mktemp("tampered")
    request = jobs.request(clip, folder / "out.mkv", tiny_model)
    cancel = CancelAt(StepStarted, once=lambda: jobs.has_finished(folder / "job"), segment=1, step=1)
    with pytest.raises(Cancelled):
        run_job(request, cancel.watch, folder / "job", loader)
    return request, folder / "job"


@pytest.fixture
def job(begun, tmp_path):
    """A copy of it that a test may change."""
    request, folder = begun
    shutil.copytree(folder, tmp_path / "job")
    return request.replace(target=tmp_path / "out.mkv"), tmp_path / "job"


def edit(folder: Path, place: tuple, value) -> None:
    """Change one value of a manifest, and seal it again as only the program itself does."""
    path = folder / MANIFEST
    values = json.loads(path.read_text())
    inside = values["job"]
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    values["seal"] = seal_of(values["job"])
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("decode_frames",), -1),
        (("threads",), 0),
        (("shots", "last"), 10**9),
        (("shots", "last"), 11),
        (("shots", "first"), -(10**9)),
        (("shots", "cuts"), [7, 7]),
        (("shots", "cuts"), [10**9]),
        (("units", 0, "id"), 1),
        (("units", 1, "last"), 10**9),
        (("units",), []),
        (("settings", "seed"), 43),
        (("settings", "segment_frames"), 54),
    ],
)
def test_a_plan_that_was_edited_and_sealed_again_neither_hangs_nor_loses_frames(place, value, job, whole, loader):
    """A hang ends in the limit that pytest sets every test."""
    request, folder = job
    edit(folder, place, value)
    try:
        assert run_job(request, None, folder, loader)["frames_out"] == jobs.FRAMES
    except JobError as error:
        assert str(error).endswith(".") and not request.target.exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("settings", "seed"), 43),
        (("settings", "window"), 6),
        (("settings", "strength"), 0.5),
        (("identity", "request", "settings", "seed"), 43),
        (("output", "crf"), 40),
        (("output", "bit_depth"), 16),
    ],
)
def test_what_a_job_does_not_ask_for_is_refused_although_it_is_sealed_again(place, value, job, loader):
    _, folder = job
    edit(folder, place, value)
    with pytest.raises(JobError, match="its plan has changed"):
        run_job(read_manifest(folder).request, None, folder, loader)


def test_facts_that_do_not_fit_their_unit_are_not_believed(job, whole, loader):
    request, folder = job
    path = folder / "facts-00000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"frames": 5}))
    watch = Watch()
    report = run_job(request, watch, folder, loader)
    assert report["frames_out"] == jobs.FRAMES and jobs.fingerprint(request.target) == whole
    assert {event.segment for event in watch.of(StepStarted)} == {0, 1}


def tampered(folder: Path, seed: int) -> str:
    """Damage one file of a job; says how."""
    chance = random.Random(seed)
    path = chance.choice(sorted(path for path in folder.iterdir() if path.stat().st_size))
    data = bytearray(path.read_bytes())
    how = chance.choice(["bit", "cut", "gone", "digit"])
    if how == "gone":
        path.unlink()
        return f"{path.name} is gone"
    if how == "bit":
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del data[chance.randrange(len(data)) :]
    else:
        digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
        place = chance.choice(digits or [0])
        data[place] = ord(str((data[place] + 1) % 10))
    path.write_bytes(data)
    return f"{how} of {path.name}"


def try_tampered(seed: int, job, whole, loader) -> None:
    """Resume a tampered job: it is refused in a sentence, or gives the same frames."""
    request, folder = job
    how = tampered(folder, seed)
    try:
        report = run_job(request, None, folder, loader)
    except UserError as error:
        assert "\n" not in str(error) and str(error).endswith("."), how
        return
    assert report["frames_out"] == jobs.FRAMES and jobs.fingerprint(request.target) == whole, how


@pytest.mark.parametrize("seed", range(6))
def test_a_tampered_job_is_refused_or_gives_the_same_frames(seed, job, whole, loader):
    try_tampered(seed, job, whole, loader)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_tampered_jobs_are_refused_or_give_the_same_frames(seed, job, whole, loader):
    try_tampered(seed, job, whole, loader)


# -- nesting, removed folders -----------------------------------------------------------------------------------


def test_a_manifest_that_is_nested_deeply_breaks_no_other_job(job):
    for name in ("deep", "good"):
        shutil.copytree(job[1], jobs_folder() / name)
    (jobs_folder() / "deep" / MANIFEST).write_text("[" * 200_000)
    with pytest.raises(JobError, match=r"is damaged \(it is nested too deeply\); remove the job with “dcvsr jobs clean deep”"):
        read_manifest(jobs_folder() / "deep")
    assert {found.name: found.request is None for found in unfinished_jobs()} == {"deep": True, "good": False}
    discard_job(jobs_folder() / "deep")
    assert [found.name for found in unfinished_jobs()] == ["good"]


def test_a_job_that_ends_while_jobs_are_listed_is_left_out(job, monkeypatch):
    for name in ("running", "other"):
        shutil.copytree(job[1], jobs_folder() / name)
    request_or_none = folders.request_or_none

    def ends(folder):
        found = request_or_none(folder)
        (jobs_folder() / "running" / MANIFEST).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(folders, "request_or_none", ends)
    assert "other" in [found.name for found in unfinished_jobs()]
    assert [found.name for found in unfinished_jobs()] == ["other"]


@pytest.mark.parametrize("phase", ["write", "publish"])
def test_the_targets_folder_is_removed_under_the_job(phase, clip, tiny_model, tmp_path, loader):
    (tmp_path / "results").mkdir()
    request = jobs.request(clip, tmp_path / "results" / "out.mkv", tiny_model, frames=(0, 3))
    watch = Watch(lambda event: shutil.rmtree(tmp_path / "results", True) if getattr(event, "phase", "") == phase else None)
    with pytest.raises(UserError, match=r"results.* (does not exist|cannot be written)"):
        run_job(request, watch, tmp_path / "job", loader)
    (tmp_path / "results").mkdir()
    assert run_job(request, None, tmp_path / "job", loader)["frames_out"] == 4


@pytest.mark.parametrize("phase", ["sample", "decode", "write", "publish"])
def test_the_jobs_folder_is_removed_under_the_job(phase, clip, tiny_model, tmp_path, loader):
    request, folder = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3)), tmp_path / "job"
    act = lambda event: shutil.rmtree(folder, True) if isinstance(event, PhaseStarted) and event.phase == phase else None  # noqa: E731
    try:
        report = run_job(request, Watch(act), folder, loader)
        assert report["frames_out"] == len(jobs.pictures(request.target)) == 4
    except UserError as error:
        assert "\n" not in str(error) and not request.target.exists()
        shutil.rmtree(folder, ignore_errors=True)
        assert run_job(request, None, folder, loader)["frames_out"] == 4
