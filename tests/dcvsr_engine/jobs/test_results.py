"""What has a result's name may be half a copy, another clip or no video at all; that is told in words."""

import av
import jobs
import numpy as np
import pytest

from dcvsr_engine.errors import InputError
from dcvsr_engine.jobs.results import flaw_of
from dcvsr_engine.video import probe


@pytest.fixture
def clip(tmp_path):
    return jobs.short_clip(tmp_path / "a.mp4", 6)


def test_a_result_of_another_size_is_whole(clip, tmp_path):
    assert flaw_of(clip, clip) is None
    assert flaw_of(clip, clip, (2, 4)) == "“a.mp4” is there, but it has 6 frames, and 3 are wanted."
    part = jobs.short_clip(tmp_path / "part.mp4", 3)
    assert flaw_of(part, clip, (2, 4)) is None and "3 frames, and 6" in flaw_of(part, clip)


def test_a_range_ends_with_its_clip(clip, tmp_path):
    part = jobs.short_clip(tmp_path / "part.mp4", 4)
    assert flaw_of(part, clip, (2, 999)) is None


@pytest.mark.parametrize("content", [b"", b"no video", b"\x00\x00\x00\x20ftypisom" + bytes(400)])
def test_what_is_no_video_is_no_result(clip, tmp_path, content):
    (tmp_path / "a_x4.mp4").write_bytes(content)
    assert flaw_of(tmp_path / "a_x4.mp4", clip) == "“a_x4.mp4” is there, but it cannot be read as a video."


def test_an_unreadable_clip_is_the_clips_problem(clip, tmp_path):
    (tmp_path / "b.mp4").write_text("no video")
    with pytest.raises(InputError):
        flaw_of(clip, tmp_path / "b.mp4")


def test_the_picture_of_another_clip_has_another_shape(clip, tmp_path):
    other = write_wide(tmp_path / "a_x4.mp4")
    assert flaw_of(other, clip).endswith("(96×24) has another shape than the clip's.")
    assert flaw_of(other, clip, part=True) is None


@pytest.mark.parametrize("name", ["long.mkv", "long.mp4"])
@pytest.mark.parametrize("counted", [True, False])
def test_a_copy_that_was_cut_off_is_not_whole(tmp_path, monkeypatch, name, counted):
    """Also where the header, which is whole, is all that is looked at in so large a file."""
    if not counted:
        monkeypatch.setattr(probe, "COUNTED_BYTES", 0)
    long = write_long(tmp_path / name)
    assert flaw_of(long, long) is None
    data = long.read_bytes()
    half = tmp_path / f"half{long.suffix}"
    half.write_bytes(data[: len(data) // 2])
    flaw = flaw_of(half, long)
    assert "cannot be read as a video" in flaw or ("frames, and 200 are wanted" in flaw and " 200 frames" not in flaw)


def write_wide(path):
    return write_frames(path, 6, 96, 24)


def write_long(path):
    """Eight seconds, with the index in front where MP4 has it: a copy that breaks off can be read up to there."""
    return write_frames(path, 200, 64, 48, {"movflags": "faststart"} if path.suffix == ".mp4" else {})


def write_frames(path, count, width, height, options=None):
    noise = np.random.default_rng(1)
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream("libx264", 25, {"crf": "20", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(count):
            picture = noise.integers(0, 255, (height, width, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path
