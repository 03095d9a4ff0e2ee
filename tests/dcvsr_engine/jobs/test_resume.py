"""Jobs that were stopped go on and give the same frames; what has changed meanwhile is named, what is damaged is done again."""

import errno
import json
import os
import re
import shutil
import threading
from functools import partial
from itertools import count
from pathlib import Path

import av
import jobs
import pytest
from jobs import FRAMES, CancelAt, Watch

from dcvsr_engine import __version__, storage
from dcvsr_engine.errors import Cancelled, DiskFullError, InputError, JobError, OutputError
from dcvsr_engine.events import FrameDone, PhaseStarted, SegmentFinished, StepStarted, TileFinished
from dcvsr_engine.jobs import identity
from dcvsr_engine.jobs import job as running
from dcvsr_engine.jobs.folders import discard_job, job_folder, publishing_lock, read_request, sweep, unfinished_jobs
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import MANIFEST, RECORD, read_manifest, write_manifest
from dcvsr_engine.jobs.store import JobStore
from dcvsr_engine.paths import jobs_folder
from dcvsr_engine.planning.memory import SHALLOW_SHARES
from dcvsr_engine.video import publish as publishing

STOPS = {
    "analyse": lambda: CancelAt(FrameDone, 3, total=FRAMES),
    "encode": lambda: CancelAt(PhaseStarted, phase="encode", segment=0),
    "first tile": lambda: CancelAt(TileFinished),
    "second step": lambda: CancelAt(StepStarted, step=1),
    "decode": lambda: CancelAt(PhaseStarted, phase="decode", segment=0),
    "next segment": lambda: CancelAt(PhaseStarted, phase="sample", segment=1),
    "last step": lambda: CancelAt(TileFinished, 8),
    "last decode": lambda: CancelAt(PhaseStarted, phase="decode", segment=1),
}


def cancelled(request, stop, loader, folder=None):
    """Run a job up to a stop."""
    with pytest.raises(Cancelled):
        run_job(request, stop.watch, folder, loader)


def flip(path: Path) -> None:
    """Damage a file in its middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("stop", STOPS)
def test_a_cancelled_job_goes_on_to_the_same_frames(stop, clip, whole, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(request, STOPS[stop](), loader)
    assert not list(tmp_path.glob("*out*"))
    kept = [job.request for job in unfinished_jobs()]
    assert kept == ([] if stop == "analyse" else [request])
    report = run_job(request, None, None, loader)
    assert jobs.fingerprint(tmp_path / "out.mkv") == whole
    assert report["resumed"] == bool(kept) and report["frames_out"] == FRAMES
    assert not unfinished_jobs() and not jobs.kept()


def test_finished_work_is_not_done_again(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(request, CancelAt(StepStarted, once=lambda: jobs.has_finished(job_folder(request)), segment=1, step=1), loader)
    watch = Watch()
    report = run_job(request, watch, None, loader)
    assert [(event.segment, event.step) for event in watch.of(StepStarted)] == [(1, 1)]
    assert [event.segment for event in watch.of(SegmentFinished)] == [0, 1]
    assert report["frames_out"] == FRAMES and report["joins"] == 1 and report["join_score"] > 0


def test_lossy_frames_are_the_same_too(clip, tiny_model, tmp_path, loader):
    run_job(jobs.request(clip, tmp_path / "whole.mp4", tiny_model, codec="h264"), loader=loader)
    request = jobs.request(clip, tmp_path / "out.mp4", tiny_model, codec="h264")
    cancelled(request, CancelAt(StepStarted, segment=1, step=1), loader)
    run_job(request, loader=loader)
    assert jobs.fingerprint(tmp_path / "out.mp4") == jobs.fingerprint(tmp_path / "whole.mp4")


@pytest.mark.parametrize("schedule", ["two-pass", "cached"])
def test_every_sap_schedule_goes_on_to_the_same_frames(schedule, clip, tiny_model, tmp_path, loader):
    changes = {"sap_schedule": schedule, "steps": 4, "frames": (0, 8), "guidance": "dssag", "guidance_scale": 2.0}
    run_job(jobs.request(clip, tmp_path / "whole.mkv", tiny_model, **changes), loader=loader)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, **changes)
    cancelled(request, CancelAt(StepStarted, step=2), loader)  # a SAP step, whose keys a cached schedule has collected before
    watch = Watch()
    run_job(request, watch, None, loader)
    assert [event.step for event in watch.of(StepStarted)] == [2, 3]
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "whole.mkv")


def test_what_saves_evaluations_goes_on_to_the_same_frames(clip, tiny_model, tmp_path, loader):
    """Stopped in the fourth step, which reuses what the third has left: it goes on with that one."""
    changes = {"steps": 5, "frames": (0, 8), "solver": "dpmpp-2m", "reuse": 2, "propagating_layers": 1, "tiling": "paper"}
    run_job(jobs.request(clip, tmp_path / "whole.mkv", tiny_model, **changes), loader=loader)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, **changes)
    cancelled(request, CancelAt(StepStarted, step=3), loader)
    watch = Watch()
    report = run_job(request, watch, None, loader)
    assert [event.step for event in watch.of(StepStarted)] == [2, 3, 4]
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "whole.mkv")
    assert any("reused in 2 of 5 steps" in note for note in report["notes"])
    plain = run_job(jobs.request(clip, tmp_path / "plain.mkv", tiny_model, **(changes | {"reuse": 1})), loader=loader)
    assert report["evaluations"] == round(plain["evaluations"] * (3 + 2 * SHALLOW_SHARES[True][0]) / 5)


# -- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "steps"),
    [
        ("state-00001-0001*", [(1, 0), (1, 1)]),
        ("unit-00000*", [(0, 0), (0, 1), (1, 1)]),
        ("facts-00000*", [(0, 0), (0, 1), (1, 1)]),
        ("overlap-00000*", [(0, 0), (0, 1), (1, 1)]),
    ],
)
def test_a_damaged_file_is_noticed_and_done_again(damage, steps, clip, whole, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancel = CancelAt(StepStarted, once=lambda: jobs.has_finished(job_folder(request)), segment=1, step=1)
    cancelled(request, cancel, loader)
    [path] = job_folder(request).glob(damage)
    flip(path)
    watch = Watch()
    run_job(request, watch, None, loader)
    assert [(event.segment, event.step) for event in watch.of(StepStarted)] == steps
    assert jobs.fingerprint(tmp_path / "out.mkv") == whole


def test_of_two_states_the_older_serves_when_the_newer_is_damaged(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 5), steps=3)
    cancelled(request, CancelAt(StepStarted, step=2), loader)
    flip(max(job_folder(request).glob("state-*")))
    watch = Watch()
    run_job(request, watch, None, loader)
    assert [event.step for event in watch.of(StepStarted)] == [1, 2]


def test_a_damaged_manifest_is_said_to_be(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(request, CancelAt(TileFinished), loader)
    (job_folder(request) / MANIFEST).write_text("{")
    with pytest.raises(JobError, match="is damaged"):
        run_job(request, loader=loader)


# -- changes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(tiny_model, tmp_path, loader):
    """A job that was stopped, on copies of clip and model that a test may change."""
    source = jobs.short_clip(tmp_path / "mine.mkv", frames=4)
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    request = jobs.request(source, tmp_path / "out.mkv", model)
    folder = tmp_path / "job"
    cancelled(request, CancelAt(TileFinished), loader, folder)
    return request, folder


def refused(request, folder, loader) -> str:
    with pytest.raises(JobError) as caught:
        run_job(request, None, folder, loader)
    assert (folder / MANIFEST).exists() and list(folder.glob("*"))
    return str(caught.value)


def test_a_changed_input_is_named(begun, loader):
    request, folder = begun
    with request.source.open("ab") as file:
        file.write(b"more")
    assert "“mine.mkv” had" in refused(request, folder, loader)


def test_an_input_with_the_same_size_and_other_content_is_named(begun, loader):
    request, folder = begun
    data = bytearray(request.source.read_bytes())
    data[-100] ^= 1
    request.source.write_bytes(data)
    assert "“mine.mkv” was written again" in refused(request, folder, loader)


@pytest.fixture
def long_clip(tmp_path):
    """A clip of two segments whose ends are far from its middle, without losses: a changed byte changes a frame."""
    return jobs.short_clip(tmp_path / "long.mkv", codec="ffv1", pixel_format="yuv444p", options={"g": "1"})


def change_frame(path: Path, place: int) -> None:
    """Change a packet's content, and keep size, ends, and time of change."""
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][place]
        content = bytes(packet)
    status, data = path.stat(), bytearray(path.read_bytes())
    data[data.index(content) + len(content) // 2] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    ("stop", "frame", "words"),
    [
        (lambda: CancelAt(PhaseStarted, phase="decode", segment=1), 3, r"frames 0 to \d+ of “long.mkv” are not those"),
        (lambda: CancelAt(PhaseStarted, phase="decode", segment=1), 19, r"frames \d+ to 19 of “long.mkv” are not those"),
        (lambda: CancelAt(StepStarted, step=1, segment=0), 3, r"frames 0 to \d+ of “long.mkv” are not those"),
    ],
)
def test_a_changed_middle_of_the_input_is_named(stop, frame, words, long_clip, tiny_model, tmp_path, loader, monkeypatch):
    monkeypatch.setattr(identity, "END_BYTES", 64)
    request, folder = jobs.request(long_clip, tmp_path / "out.mkv", tiny_model), tmp_path / "job"
    cancelled(request, stop(), loader, folder)
    change_frame(long_clip, frame)
    assert re.search(words, refused(request, folder, loader)) and not request.target.exists()


@pytest.mark.parametrize("how", ["middle", "replaced", "gone"])
def test_an_input_that_changes_under_the_job_is_noticed_before_publishing(
    how, long_clip, tiny_model, tmp_path, loader, monkeypatch
):
    monkeypatch.setattr(identity, "END_BYTES", 64)
    request, folder = jobs.request(long_clip, tmp_path / "out.mkv", tiny_model, frames=(0, 5)), tmp_path / "job"
    changes = {
        "middle": lambda: change_frame(long_clip, 2),
        "replaced": lambda: jobs.short_clip(long_clip, 7),
        "gone": long_clip.unlink,
    }

    def act(event):
        if isinstance(event, PhaseStarted) and event.phase == "write":
            changes[how]()

    with pytest.raises((JobError, InputError), match=r"“long.mkv” (are not|had)|does not exist|cannot be read any more"):
        run_job(request, Watch(act), folder, loader)
    assert not request.target.exists() and (folder / MANIFEST).exists()


def test_changed_pictures_are_named(tiny_model, tmp_path, loader, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(identity, "END_BYTES", 16)
    (tmp_path / "pictures").mkdir()
    for index in range(3):
        Image.new("RGB", (32, 24), (40 * index, 90, 50)).save(tmp_path / "pictures" / f"{index}.bmp")
    request, folder = jobs.request(tmp_path / "pictures", tmp_path / "out.mkv", tiny_model), tmp_path / "job"
    cancelled(request, CancelAt(StepStarted, step=1), loader, folder)
    path = tmp_path / "pictures" / "1.bmp"
    status = path.stat()
    flip(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "frames 0 to 2 of “pictures” are not those" in refused(request, folder, loader)


def test_a_changed_model_is_named(begun, loader):
    request, folder = begun
    scales = Path(request.settings.model) / "scales.json"
    scales.write_text(scales.read_text().replace("0.05", "0.06"))
    assert "the model's file model/scales.json has changed" in refused(request, folder, loader)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 7}, "seed was 42 and is 7 now"),
        ({"steps": 3}, "steps was None and is 3"),
        ({"codec": "h264"}, "codec was ffv1 and is h264"),
    ],
)
def test_changed_settings_are_named(changes, words, begun, loader):
    request, folder = begun
    assert words in refused(jobs.request(request.source, request.target, Path(request.settings.model), **changes), folder, loader)


def test_another_version_is_named(begun, loader, monkeypatch):
    monkeypatch.setattr(identity, "__version__", "99")
    assert "version 0.1.0 of the program started it and this is version 99" in refused(*begun, loader)


def test_a_version_that_kept_jobs_differently_is_named(begun, loader):
    path = begun[1] / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1, "engine": "0.0.7"}))
    sentence = refused(*begun, loader)
    assert "version 0.0.7" in sentence and __version__ in sentence


def test_another_device_is_named(begun, loader):
    request, folder = begun
    manifest = read_manifest(folder)
    write_manifest(folder, manifest.replace(identity=manifest.identity.replace(device=("cuda", "bf16"))))
    assert "it was started on cuda with bf16 and would continue on cpu with fp32" in refused(request, folder, loader)


def test_a_deleted_input_is_named(begun, loader):
    request, folder = begun
    request.source.unlink()
    with pytest.raises(InputError, match="does not exist"):
        run_job(request, None, folder, loader)
    assert (folder / MANIFEST).exists()


def test_pictures_that_were_added_are_named(tiny_model, tmp_path, loader):
    from PIL import Image

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(3):
        Image.new("RGB", (32, 24), (40 * index, 90, 50)).save(pictures / f"{index}.png")
    for source in (pictures, pictures / "%d.png", pictures / "*.png"):
        request, folder = jobs.request(source, tmp_path / "out.mkv", tiny_model), tmp_path / "job"
        cancelled(request, CancelAt(TileFinished), loader, folder)
        Image.new("RGB", (32, 24)).save(pictures / "3.png")
        assert "there were 3 pictures and now there are 4" in refused(request, folder, loader)
        (pictures / "3.png").unlink()
        shutil.rmtree(folder)


# -- targets, locks, leftovers ----------------------------------------------------------------------------------


def test_a_target_that_appeared_meanwhile_is_left_alone(clip, whole, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(request, CancelAt(PhaseStarted, phase="decode", segment=1), loader)
    (tmp_path / "out.mkv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        run_job(request, loader=loader)
    (tmp_path / "out.mkv").unlink()
    run_job(request, loader=loader)
    assert jobs.fingerprint(tmp_path / "out.mkv") == whole


def frames_of(target: Path):
    """The frames of a result, file or folder."""
    return [file.read_bytes() for file in sorted(target.iterdir())] if target.is_dir() else jobs.fingerprint(target)


class PowerCut(Exception):
    """The job ends here, whatever it is doing."""


def cut(*arguments, **options):
    raise PowerCut


def test_a_result_that_is_in_place_already_ends_the_job(clip, whole, tiny_model, tmp_path, loader, monkeypatch):
    request, target = jobs.request(clip, tmp_path / "out.mkv", tiny_model), tmp_path / "out.mkv"
    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "end", cut)
        with pytest.raises(PowerCut):
            run_job(request, loader=loader)
    changed = target.stat().st_mtime_ns
    report = run_job(request, loader=loader)
    assert target.stat().st_mtime_ns == changed and jobs.fingerprint(target) == whole
    assert report["frames_out"] == FRAMES and not unfinished_jobs()


@pytest.mark.parametrize(("codec", "name"), [("ffv1", "out.mkv"), ("png", "out")])
@pytest.mark.parametrize("after", [False, True])
def test_an_earlier_result_is_not_taken_for_the_new_one(after, codec, name, clip, tiny_model, tmp_path, loader, monkeypatch):
    """It has as many frames. The power goes just before, or just after, the new one takes its place."""
    target = tmp_path / name
    request = jobs.request(clip, target, tiny_model, codec=codec, overwrite=True, frames=(0, 3))
    run_job(request, loader=loader)
    expected = frames_of(target)
    run_job(jobs.request(clip, target, tiny_model, codec=codec, overwrite=True, frames=(0, 3), seed=1), loader=loader)
    assert frames_of(target) != expected
    with monkeypatch.context() as patched:
        patched.setattr(*((JobStore, "end") if after else (publishing, "put_in_place")), cut)
        with pytest.raises(PowerCut):
            run_job(request, loader=loader)
    assert (frames_of(target) == expected) == after
    report = run_job(request, loader=loader)
    assert frames_of(target) == expected and report["frames_out"] == 4 and not unfinished_jobs()
    assert {path.name for path in tmp_path.iterdir()} <= {name, "home"}


INTERRUPTED = {
    "full disk": lambda patched: patched.setattr(storage, "sync", full),
    "power": lambda patched: patched.setattr(publishing, "put_in_place", cut),
    "power between two renames": lambda patched: patched.setattr(Path, "rename", SecondTime(Path.rename)),
    "power before the older folder goes": lambda patched: patched.setattr(storage.shutil, "rmtree", cut),
}
"""What may end a job that is about to put its result in place of an earlier one."""


def full(path):
    """A disk without room for the result."""
    if ".partial-" in path.name and path.suffix not in (".json", ".video", ".safetensors"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class SecondTime:
    """A method of paths that is carried out once."""

    def __init__(self, method):
        self.method, self.calls = method, 0

    def __get__(self, path, kind):
        return partial(self, path)

    def __call__(self, path, target):
        self.calls += 1
        return cut() if self.calls == 2 else self.method(path, target)


@pytest.mark.parametrize(
    ("how", "codec", "name"),
    [
        ("full disk", "ffv1", "out.mkv"),
        ("full disk", "png", "out"),
        ("power", "png", "out"),
        ("power between two renames", "png", "out"),
        ("power before the older folder goes", "png", "out"),
    ],
)
def test_a_publication_over_an_earlier_result_that_is_interrupted_is_made_good(
    how, codec, name, clip, tiny_model, tmp_path, loader, monkeypatch
):
    target = tmp_path / name
    request = jobs.request(clip, target, tiny_model, codec=codec, overwrite=True, frames=(0, 3))
    run_job(request.replace(target=tmp_path / f"expected{target.suffix}"), loader=loader)
    expected = frames_of(tmp_path / f"expected{target.suffix}")
    run_job(jobs.request(clip, target, tiny_model, codec=codec, overwrite=True, frames=(0, 3), seed=1), loader=loader)
    assert frames_of(target) != expected
    with monkeypatch.context() as patched:
        INTERRUPTED[how](patched)
        with pytest.raises((PowerCut, DiskFullError)):
            run_job(request, loader=loader)
    assert unfinished_jobs()
    watch = Watch()
    report = run_job(request, watch, None, loader)
    assert frames_of(target) == expected and report["frames_out"] == 4
    assert not watch.of(StepStarted) and not unfinished_jobs() and not jobs.kept()
    assert {path.name for path in tmp_path.iterdir()} == {name, f"expected{target.suffix}", "home"}


def test_ctrl_c_while_publishing_over_an_earlier_result(clip, whole, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, overwrite=True)
    run_job(jobs.request(clip, tmp_path / "out.mkv", tiny_model, overwrite=True, seed=1), loader=loader)
    cancelled(request, CancelAt(PhaseStarted, phase="publish"), loader)
    assert jobs.fingerprint(request.target) != whole
    run_job(request, loader=loader)
    assert jobs.fingerprint(request.target) == whole
    assert {path.name for path in tmp_path.iterdir()} == {"out.mkv", "home"}


def test_of_two_jobs_with_one_target_the_second_loses_nothing(clip, whole, tiny_model, tmp_path, loader):
    """Case F4: both are begun while the target is free."""
    first = jobs.request(clip, tmp_path / "out.mkv", tiny_model, seed=1)
    second = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(second, CancelAt(PhaseStarted, phase="publish"), loader)
    run_job(first, loader=loader)
    published = jobs.fingerprint(first.target)
    for _ in range(2):
        with pytest.raises(OutputError, match="exists already"):
            run_job(second, loader=loader)
        assert jobs.fingerprint(first.target) == published
    [job] = unfinished_jobs()
    elsewhere = job.request.replace(target=tmp_path / "second.mkv")
    watch = Watch()
    assert run_job(elsewhere, watch, job.folder, loader)["target"] == str(tmp_path / "second.mkv")
    assert jobs.fingerprint(tmp_path / "second.mkv") == whole and not watch.of(StepStarted) and not unfinished_jobs()


def test_two_jobs_publish_one_after_the_other(clip, whole, tiny_model, tmp_path, loader, monkeypatch):
    """Neither removes the temporary file of the other, and both see what the other has put in place."""
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    waiting, looks, ended = threading.Event(), count(1), []

    def noted_lock(check):
        return publishing_lock(lambda: waiting.set() if next(looks) == 3 else check())

    monkeypatch.setattr(running, "publishing_lock", noted_lock)
    with publishing_lock(lambda: None):
        thread = threading.Thread(target=lambda: ended.append(run_job(request, loader=loader)))
        thread.start()
        assert waiting.wait(120)
        other = tmp_path / ".out.mkv.partial-01234567.mkv"
        other.write_text("the other job's")
        assert not ended and not request.target.exists()
        waiting.clear()
        looks = count(1)
        assert waiting.wait(120) and other.exists()
        other.unlink()
    thread.join(120)
    assert ended and jobs.fingerprint(request.target) == whole


def test_a_job_that_waits_to_publish_can_be_cancelled(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3))
    with publishing_lock(lambda: None):
        cancelled(request, CancelAt(PhaseStarted, phase="write"), loader)
    assert len(unfinished_jobs()) == 1


# -- what is done already ---------------------------------------------------------------------------------------


def test_a_job_that_is_done_is_told_again(clip, tiny_model, tmp_path, loader):
    """Who gives the command was killed before the answer came."""
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3))
    report = run_job(request, loader=loader)
    [record] = jobs_folder().glob(f"*/{RECORD}")
    changed = request.target.stat().st_mtime_ns
    watch = Watch()
    assert run_job(request, watch, None, loader) == json.loads(json.dumps(report))
    assert not watch.of(StepStarted) and request.target.stat().st_mtime_ns == changed
    assert {path.name for path in record.parent.iterdir()} <= {RECORD, "lock"} and not unfinished_jobs()


@pytest.mark.parametrize("change", ["result", "input", "gone"])
def test_a_job_that_was_done_is_not_told_when_something_has_changed(change, tiny_model, tmp_path, loader):
    source = jobs.short_clip(tmp_path / "mine.mkv", frames=4)
    request = jobs.request(source, tmp_path / "out.mkv", tiny_model)
    run_job(request, loader=loader)
    if change == "gone":
        request.target.unlink()
        assert not run_job(request, loader=loader)["resumed"] and len(jobs.pictures(request.target)) == 4
        return
    flip(request.target) if change == "result" else jobs.short_clip(source, frames=3)
    with pytest.raises(OutputError, match="exists already"):
        run_job(request, loader=loader)


def test_records_of_done_jobs_go_after_a_while(clip, tiny_model, tmp_path, loader):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3))
    run_job(request, loader=loader)
    sweep()
    assert (job_folder(request) / RECORD).exists()
    os.utime(job_folder(request), (0, 0))
    sweep()
    assert not job_folder(request).exists()


def test_a_job_in_a_folder_of_the_users_own_leaves_nothing_there(clip, tiny_model, tmp_path, loader):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "thesis.txt").write_text("mine")
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3))
    run_job(request, None, tmp_path / "project", loader)
    assert {path.name for path in (tmp_path / "project").iterdir()} == {"thesis.txt"}


# -- another target ---------------------------------------------------------------------------------------------


def test_a_job_whose_target_cannot_be_written_is_published_elsewhere(clip, tiny_model, tmp_path, loader, monkeypatch):
    """The encoding is that of the frames that are finished, whatever the other name suggests."""
    request, folder = jobs.request(clip, tmp_path / "gone" / "out.mp4", tiny_model, codec="auto", frames=(0, 3)), tmp_path / "job"
    request.target.parent.mkdir()
    cancelled(request, CancelAt(PhaseStarted, phase="publish"), loader, folder)
    request.target.parent.rmdir()
    for _ in range(2):
        with pytest.raises(OutputError, match=r"“.*gone” does not exist"):
            run_job(request, None, folder, loader)
    with pytest.raises(OutputError, match="no known video suffix"):
        run_job(request.replace(target=tmp_path / "pictures"), None, folder, loader)
    assert read_request(folder) == request
    watch = Watch()
    elsewhere = request.replace(target=tmp_path / "out.mkv", output=request.output.replace(overwrite=True))
    cancelled(elsewhere, CancelAt(PhaseStarted, phase="publish"), loader, folder)
    assert read_request(folder) == elsewhere  # from now on
    assert run_job(elsewhere, watch, folder, loader)["output"]["codec"] == "h264"
    assert len(jobs.pictures(tmp_path / "out.mkv")) == 4 and not watch.of(StepStarted) and not folder.exists()


def test_another_file_in_place_of_the_result_is_left_alone(clip, tiny_model, tmp_path, loader, monkeypatch):
    request, target = jobs.request(clip, tmp_path / "out.mkv", tiny_model), tmp_path / "out.mkv"
    monkeypatch.setattr(running, "publish", lambda *arguments: (_ for _ in ()).throw(OutputError("no")))
    with pytest.raises(OutputError, match="no"):
        run_job(request, loader=loader)
    jobs.short_clip(target, frames=3)
    with pytest.raises(OutputError, match="exists already"):
        run_job(request, loader=loader)


def test_what_killed_processes_left_half_written_goes(begun, loader):
    request, folder = begun
    left = [
        folder / ".job.json.partial-01234567.json",
        folder / ".unit-00000.video.partial-01234567.video",
        request.target.with_name(".out.mkv.partial-89abcdef.mkv"),
    ]
    for path in left:
        path.write_text("half")
    other = request.target.with_name(".other.mkv.partial-89abcdef.mkv")
    other.write_text("another job's")
    run_job(request, None, folder, loader)
    assert not any(path.exists() for path in left) and other.exists()


def test_directories_without_a_job_are_swept_away_when_they_are_old(clip, tiny_model, tmp_path, loader):
    old, new = jobs_folder() / "old", jobs_folder() / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "unit-00000.video").write_text("left")
    os.utime(old, (0, 0))
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    cancelled(request, CancelAt(TileFinished), loader)
    os.utime(job_folder(request), (0, 0))
    sweep()
    assert not old.exists() and new.exists() and (job_folder(request) / MANIFEST).exists()


def test_cleaning_removes_a_job(clip, tiny_model, tmp_path, loader):
    cancelled(jobs.request(clip, tmp_path / "out.mkv", tiny_model), CancelAt(TileFinished), loader)
    [job] = unfinished_jobs()
    assert job.size > 0 and job.name == job.folder.name
    discard_job(job.folder)
    assert not unfinished_jobs() and not list(jobs_folder().iterdir())
