import threading

import numpy as np
import pytest

from app.preview.frames import DECODE_AHEAD, FrameSource, ResultStore
from dcvsr_engine.events import PreviewFrame
from dcvsr_engine.video.reader import VideoReader

GREY_STEP = 12


@pytest.fixture
def source(qapp):
    made = FrameSource()
    yield made
    made.shutdown()


def opened(qtbot, source, path):
    with qtbot.waitSignal(source.opened) as signal:
        source.open(path)
    return signal.args[0]


def wait_for(qtbot, source, frame):
    if source.frame(frame) is None:
        source.request(frame)
        qtbot.waitUntil(lambda: source.frame(frame) is not None)
    return source.frame(frame)


def test_facts_of_the_clip(qtbot, source, grey_clip):
    info = opened(qtbot, source, grey_clip)
    assert (info.width, info.height, info.frames, info.frames_exact) == (64, 48, 20, True)


@pytest.mark.parametrize("order", [[0, 1, 2], [19, 3, 11], [7]])
def test_every_frame_is_exactly_the_one_asked_for(qtbot, source, grey_clip, order):
    opened(qtbot, source, grey_clip)
    for index in order:
        frame = wait_for(qtbot, source, index)
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (48, 64, 3)
        assert (frame.pixels == GREY_STEP * index).all()
        assert frame.seconds == pytest.approx(index / 10)


def test_following_frames_are_decoded_ahead_but_no_more(qtbot, source, grey_clip):
    opened(qtbot, source, grey_clip)
    source.request(2)
    qtbot.waitUntil(lambda: len(source.cached()) == DECODE_AHEAD + 1)
    qtbot.wait(50)
    assert sorted(source.cached()) == list(range(2, 2 + DECODE_AHEAD + 1))


def test_asking_does_not_wait_for_the_file_and_the_newest_wins(qtbot, source, grey_clip, monkeypatch):
    decoded, original, may_go_on = [], VideoReader.frame, threading.Event()

    def held(self, index):
        decoded.append(index)
        may_go_on.wait()
        return original(self, index)

    monkeypatch.setattr(VideoReader, "frame", held)
    opened(qtbot, source, grey_clip)
    for index in range(19, -1, -1):
        source.request(index)  # would not return if it waited for the file
    may_go_on.set()
    qtbot.waitUntil(lambda: source.frame(0) is not None)
    assert decoded.index(0) <= 2


def test_memory_stays_bounded(qtbot, qapp, grey_clip):
    frame_bytes = 64 * 48 * 3
    source = FrameSource(capacity=4 * frame_bytes)
    opened(qtbot, source, grey_clip)
    for index in (0, 6, 12, 18):
        wait_for(qtbot, source, index)
        assert len(source.cached()) <= 4
    source.shutdown()


def test_what_cannot_be_opened_is_said(qtbot, source, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with qtbot.waitSignal(source.failed) as signal:
        source.open(tmp_path / "text.mp4")
    assert "text.mp4" in signal.args[0]


def test_after_a_failure_the_next_clip_opens(qtbot, source, tmp_path, grey_clip):
    with qtbot.waitSignal(source.failed):
        source.open(tmp_path / "missing.mp4")
    opened(qtbot, source, grey_clip)
    assert (wait_for(qtbot, source, 4).pixels == GREY_STEP * 4).all()


def test_news_of_a_former_clip_is_not_told(qtbot, source, tmp_path, grey_clip):
    failures = []
    source.failed.connect(failures.append)
    source.open(tmp_path / "missing.mp4")
    opened(qtbot, source, grey_clip)
    assert failures == []


def test_close_forgets(qtbot, source, grey_clip):
    opened(qtbot, source, grey_clip)
    wait_for(qtbot, source, 0)
    source.close()
    assert source.cached() == []
    source.request(1)
    qtbot.wait(50)
    assert source.frame(1) is None


def test_shutdown_ends_the_thread(qtbot, qapp, grey_clip):
    source = FrameSource()
    opened(qtbot, source, grey_clip)
    source.request(0)
    source.shutdown()
    assert source._decoder.isFinished()


def result(frame, value=0, final=True, side=10):
    return PreviewFrame(frame, 3, np.full((side, side, 3), value, np.uint8), final, (4, 8))


def test_results_are_kept_by_variant():
    store = ResultStore()
    store.put("A", result(1, 10), 4)
    store.put("B", result(1, 20), 4)
    store.put("A", result(2, 30), 4)
    assert store.variants == ["A", "B"]
    assert (store.get("A", 1).pixels[0, 0, 0], store.get("B", 1).pixels[0, 0, 0]) == (10, 20)
    assert store.get("A", 1).origin == (4, 8)
    assert sorted(store.frames("A")) == [1, 2]
    assert store.get("B", 2) is None
    store.clear("A")
    assert (store.variants, store.frames("A"), store.frames("B")) == (["B"], [], [1])


def test_a_newer_state_of_a_frame_replaces_the_older():
    store = ResultStore()
    store.put("A", result(1, 10, final=False), 4)
    store.put("A", result(1, 20), 4)
    assert store.get("A", 1).final
    assert store.get("A", 1).pixels[0, 0, 0] == 20


def test_results_stay_in_bounded_memory():
    store = ResultStore(capacity=3 * 300)
    for frame in range(10):
        store.put("A", result(frame), 4)
    assert store.frames("A") == [7, 8, 9]
