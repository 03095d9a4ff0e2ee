"""Videos of a clip before and after, written by the engine process."""

import av
import numpy as np
import pytest
from clips import Clip, write_clip

from dcvsr_engine.events import FrameDone, PhaseStarted
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.worker.messages import Cancel, CompareVideos, Failed, JobCancelled, JobFinished, JobStarted, Progress


def grey(index, width, height):
    return np.full((height, width, 3), 0.04 * index)


@pytest.fixture
def comparison(tmp_path):
    """Makes a command that compares a clip of 20 frames with the result of its frames 4 … 15."""
    before = write_clip(tmp_path / "in.mkv", Clip(pts=range(20), width=64, height=48, picture=grey))
    after = write_clip(tmp_path / "out.mkv", Clip(pts=range(12), width=64, height=48, picture=lambda i, w, h: grey(i + 4, w, h)))

    def command(frames, **output):
        return CompareVideos("mine", before, after, tmp_path / "demo.mkv", "wipe", frames, 4, OutputSettings(**output))

    return command


def test_frames_meet_those_of_a_result_that_begins_later(engine, comparison, tmp_path):
    engine.send(comparison((0, 9), codec="ffv1"))
    finished = engine.wait_for(JobFinished, Failed)
    assert (finished.job, finished.target, finished.report) == ("mine", tmp_path / "demo.mkv", {})
    with av.open(str(finished.target)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 6  # 4 … 9
    for index, picture in enumerate(pictures, 4):
        edges = picture[:, 0].mean(), picture[:, -1].mean()
        assert edges == pytest.approx((10.2 * index,) * 2, abs=3), "before and after are the same frame"
    events = [event.event for event in engine.received if isinstance(event, Progress)]
    assert events[0] == PhaseStarted("write", 0, 1, 6) and events[-1] == PhaseStarted("publish", 0, 1, 0)
    assert [event.done for event in events if isinstance(event, FrameDone)] == [1, 2, 3, 4, 5, 6]


def test_a_cancelled_one_leaves_nothing_behind(engine, hold, comparison, tmp_path):
    hold(lambda message: isinstance(message, JobStarted))
    engine.send(comparison((4, 15)))
    engine.send(Cancel())
    assert engine.wait_for(JobCancelled, JobFinished) == JobCancelled("mine", None)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["in.mkv", "out.mkv"]


def test_frames_that_the_result_does_not_have_are_refused(engine, comparison):
    engine.send(comparison((0, 3)))
    failed = engine.wait_for(Failed, JobFinished)
    assert failed.user_error and "“out.mkv” has none of these frames" in failed.message


def test_nothing_is_replaced_unless_allowed(engine, comparison, tmp_path):
    (tmp_path / "demo.mkv").write_bytes(b"precious")
    engine.send(comparison((4, 5)))
    assert "exists already" in engine.wait_for(Failed, JobFinished).message
    assert (tmp_path / "demo.mkv").read_bytes() == b"precious"
    engine.send(comparison((4, 5), overwrite=True))
    assert isinstance(engine.wait_for(Failed, JobFinished), JobFinished)
