"""Workers that see neither the job's folder nor its input: without Ray, but with all that it would carry."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jobs
import pytest

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.events import StepStarted
from dcvsr_engine.farm import desk, models, remote, worker
from dcvsr_engine.farm.desk import Desk
from dcvsr_engine.farm.models import farm_model
from dcvsr_engine.farm.remote import SharedClip, There, WorkerLine
from dcvsr_engine.farm.worker import FarmWorker
from dcvsr_engine.jobs.job import run_job, run_stored
from dcvsr_engine.jobs.manifest import read_manifest
from dcvsr_engine.jobs.telemetry import Telemetry
from dcvsr_engine.paths import models_folder
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RestoreSettings

FRAMES, BRICKS = 28, 3


class Lost(Exception):
    """What Ray raises where a worker is gone."""


class Elsewhere:
    """A worker with a data folder of its own, to whom some paths are invisible: as an actor of Ray, and as Ray itself.

    Attributes:
        calls: names of the methods that were called.
        before: called before each, with its name; may raise.
    """

    def __init__(self, home: Path, *hidden: Path) -> None:
        self.home, self.hidden, self.calls = home, hidden, list[str]()
        self.before: Callable[[str], None] = lambda name: None
        self._worker = self._there(FarmWorker)

    def _there(self, call):
        moved = [(path, path.with_name(f"{path.name}.hidden")) for path in self.hidden if path.exists()]
        here = os.environ["XDG_DATA_HOME"]
        os.environ["XDG_DATA_HOME"] = str(self.home)
        for path, other in moved:
            path.rename(other)
        try:
            return call()
        finally:
            for path, other in moved:
                other.rename(path)
            os.environ["XDG_DATA_HOME"] = here

    def __getattr__(self, name: str):
        class Method:
            @staticmethod
            def remote(*arguments):
                self.calls.append(name)
                self.before(name)
                return self._there(lambda: getattr(self._worker, name)(*arguments))

        return Method

    def wait(self, calls, timeout: float):
        return calls, []

    def get(self, answer):
        return answer

    def line(self, desk: str = "desk") -> WorkerLine:
        return WorkerLine(self, self, desk, lambda: None)

    def end(self) -> None:
        """As the death of a process: its lock is free."""
        self._worker._in_use.release()

    def kept(self) -> list[Path]:
        """Files in its data folder."""
        return [path for path in self.home.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A request of three bricks, of a clip with B-frames and few key frames, and the frames that it gives here."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "tiny").mkdir()
    clip, model = jobs.short_clip(folder / "clip.mp4", FRAMES, options={"g": "12", "bf": "2"}), jobs.write_model(folder / "tiny")
    request = jobs.request(clip, folder / "out.mkv", model, order="bricks", steps=1)
    run_job(request, folder=folder / "job")
    return request, jobs.fingerprint(request.target)


@pytest.fixture
def job(alone, tmp_path):
    """The same request with another target."""
    request, frames = alone
    return request.replace(target=tmp_path / "out.mkv"), frames


def restore(request: JobRequest, folder: Path, line: WorkerLine, control: Control | None = None) -> dict:
    place = There(line, SharedClip(), farm_model(request.settings.model))
    return run_stored(request, request.target, folder, Telemetry(control or Control()), place, lambda plan: None, watched=True)


def test_units_that_were_sent_and_came_back_give_the_frames_of_a_job_without_a_farm(job, tmp_path, monkeypatch):
    request, frames = job
    monkeypatch.setattr(remote, "PIECE", 1000)
    monkeypatch.setattr(desk, "PIECE", 1000)
    there = Elsewhere(tmp_path / "there", request.source)
    made = there._worker.restore
    # Ray repeats a call where the worker was killed after it
    there._worker.restore = lambda *arguments: [made(*arguments), made(*arguments)][1]
    report = restore(request, tmp_path / "job", there.line())
    assert jobs.fingerprint(request.target) == frames and report["frames_out"] == FRAMES
    assert there.calls.count("restore") == report["segments"] == BRICKS and not there.kept()
    assert there.calls.count("put") > 2 * BRICKS  # in pieces
    assert {path.name for path in (tmp_path / "job").iterdir()} == {"done.json", "lock"}


def test_a_job_begun_here_goes_on_elsewhere_and_the_other_way_round(job, tmp_path):
    request, frames = job
    there = Elsewhere(tmp_path / "there", request.source)
    for name, first in (("here", True), ("there", False)):
        target = request.replace(target=tmp_path / f"{name}.mkv")
        folder = tmp_path / name
        stop = jobs.CancelAt(StepStarted, 2, lambda folder=folder: jobs.has_finished(folder)).watch if first else Control()
        calls = there.calls = []
        there.before = lambda called, control=stop, seen=calls: seen.count("restore") > 1 and control.cancel()
        with pytest.raises(Cancelled):
            run_job(target, stop, folder) if first else restore(target, folder, there.line(), stop)
        there.before = lambda called: None
        assert 0 < len(read_manifest(folder).finished) < BRICKS
        report = restore(target, folder, there.line()) if first else run_job(target, folder=folder)
        assert jobs.fingerprint(target.target) == frames and report["resumed"]


@pytest.mark.parametrize("name", ["../out.mkv", "manifest.json", "overlap-00009.safetensors", "/overlap-00000.safetensors"])
def test_a_worker_cannot_name_files_of_others(job, tmp_path, name):
    request, _ = job
    there = Elsewhere(tmp_path / "there", request.source)
    made = there._worker.restore
    there._worker.restore = lambda *arguments: replace(made(*arguments), files={name: ""})
    with pytest.raises(JobError, match="is no name of a file of a unit"):
        restore(request, tmp_path / "job", there.line())
    assert not list(tmp_path.glob("out*"))


def test_a_worker_that_is_lost_loses_its_unit_only(job, tmp_path):
    request, frames = job
    there, other = (Elsewhere(tmp_path / name, request.source) for name in ("there", "other"))

    def die(name: str) -> None:
        if there.calls.count("restore") == 2:
            raise Lost

    there.before = die
    with pytest.raises(Lost):
        restore(request, tmp_path / "job", there.line())
    assert len(read_manifest(tmp_path / "job").finished) == 1
    restore(request, tmp_path / "job", other.line())
    assert jobs.fingerprint(request.target) == frames and other.calls.count("restore") == BRICKS - 1


def test_what_is_damaged_on_its_way_is_not_taken(job, tmp_path):
    request, _ = job
    there = Elsewhere(tmp_path / "there")
    piece = there._worker.piece
    there._worker.piece = lambda place, name, begin: piece(place, name, begin)[::-1]
    with pytest.raises(JobError, match="was damaged on its way"):
        restore(request, tmp_path / "job", there.line())
    assert not read_manifest(tmp_path / "job").finished


def test_a_model_that_is_missing_is_sent_once_and_found_by_its_hashes(job, tmp_path):
    request, _ = job
    shutil.copytree(request.settings.model, models_folder() / "own")
    request = request.replace(settings=request.settings.replace(model="own"))
    there = Elsewhere(tmp_path / "there", request.source)
    model = farm_model("own")
    assert not there.has_model.remote(model)
    for _ in range(2):
        there.line().send_model(model)
    assert there.has_model.remote(model) and there.calls.count("take_model") == 1
    assert there.load.remote(request.settings, model)[:2] == ("cpu", "fp32")


def test_a_model_that_is_not_what_was_meant_is_not_kept(job, tmp_path, monkeypatch):
    shutil.copytree(job[0].settings.model, models_folder() / "own")
    there, model = Elsewhere(tmp_path / "there"), farm_model("own")
    files = models.files_of_model("own")
    pickle = tmp_path / "weights.bin"
    pickle.write_bytes(b"cposix\nsystem\n")
    for sent, words in (({"own/weights.bin": pickle}, "only JSON and safetensors"), ({"own/scales.json": pickle}, "damaged")):
        monkeypatch.setattr(remote, "files_of_model", lambda name, more=sent: files | more)
        with pytest.raises(JobError, match=words):
            there.line().send_model(model)
    assert not there.has_model.remote(model)


@pytest.fixture
def two_models(job):
    """Two models that no other computer has, as a farm knows them."""
    for name in ("one", "two"):
        shutil.copytree(job[0].settings.model, models_folder() / name)
    return farm_model("one"), farm_model("two")


def test_of_models_that_were_sent_the_last_used_stay_within_a_bound(two_models, tmp_path, monkeypatch):
    one, two = two_models
    home, size = tmp_path / "there", sum(path.stat().st_size for path in models.files_of_model("one").values())
    monkeypatch.setattr(models, "MOST_KEPT", 1.5 * size)
    first, second = Elsewhere(home), Elsewhere(home)
    first.line().send_model(one)
    second.line().send_model(two)
    assert first.has_model.remote(one) and second.has_model.remote(two), "both are in use"
    first.end()
    third = Elsewhere(home)  # sweeps as it begins
    assert not third.has_model.remote(one) and third.has_model.remote(two)
    second.end()
    third.end()
    third.line().send_model(one)
    assert third.has_model.remote(one) and not third.has_model.remote(two)
    assert [path.parts[-3] for path in home.rglob("*.safetensors")] == ["one"]


def test_a_model_that_another_job_has_sent_meanwhile_is_left_to_it(two_models, tmp_path):
    one, _ = two_models
    home = tmp_path / "there"
    first, second = Elsewhere(home), Elsewhere(home)
    second.before = lambda name: name == "take_model" and first.line("other").send_model(one)
    second.line().send_model(one)
    assert first.has_model.remote(one) and second.has_model.remote(one) and second.load.remote(RestoreSettings(), one)


def test_a_disk_without_room_for_the_model_is_said_before_it_is_sent(two_models, tmp_path, monkeypatch):
    there = Elsewhere(tmp_path / "there")
    monkeypatch.setattr(worker, "free_room", lambda: 100)
    with pytest.raises(JobError, match=r"has 0\.1 KB of disk free and needs .* for what it is sent; free some there\."):
        there.line().send_model(two_models[0])
    assert "put" not in there.calls


def test_a_worker_whose_disk_is_full_takes_what_fits_and_leaves_the_rest_to_others(job, tmp_path, monkeypatch):
    request, frames = job
    there, other = (Elsewhere(tmp_path / name, request.source) for name in ("there", "other"))
    sizes: list[int] = []
    monkeypatch.setattr(remote, "unit_bytes", lambda *given: sizes.append(2 if given[1].index else 1) or sizes[-1])
    monkeypatch.setattr(worker, "free_room", lambda: 1)
    with pytest.raises(JobError, match="of disk free and needs"):
        restore(request, tmp_path / "job", there.line())
    assert [unit.id for unit in read_manifest(tmp_path / "job").finished] == [0] and there.calls.count("restore") == 1
    monkeypatch.setattr(worker, "free_room", lambda: 2)
    restore(request, tmp_path / "job", other.line())
    assert jobs.fingerprint(request.target) == frames


def test_what_a_unit_takes_of_the_disk_is_more_than_what_is_written(job, tmp_path, monkeypatch):
    request, _ = job
    there, written, planned = Elsewhere(tmp_path / "there", request.source), [], []
    counted = remote.unit_bytes
    monkeypatch.setattr(remote, "unit_bytes", lambda *given: planned.append(counted(*given)) or planned[-1])
    there.before = lambda name: written.append(sum(path.stat().st_size for path in there.kept() if path.name.startswith("unit-")))
    restore(request, tmp_path / "job", there.line())
    assert 0 < max(written) < max(planned) < 40 * max(written)


def test_no_file_is_written_outside_of_the_folder_that_is_meant():
    with pytest.raises(JobError, match="is no name of a file"):
        Desk("desk").put("../../elsewhere", 0, b"")


def test_what_killed_workers_have_left_goes_after_a_while(monkeypatch):
    Desk("desk").put("sent/00000.mkv", 0, b"x")
    desk.sweep_desks()
    assert Desk("desk").folder.exists()
    monkeypatch.setattr(desk, "ABANDONED_SECONDS", -1.0)
    desk.sweep_desks()
    assert not Desk("desk").folder.exists()
