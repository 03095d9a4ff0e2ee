"""Clocks that begin again, jump or wrap: one continuous time line, alike for all tracks."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-g", "6")
H264 = ("-c:v", "libx264", "-qp", "8", "-g", "6")
JUMPS = {
    "restart.vob": (MPEG2, ("-c:a", "ac3"), (0, 0)),
    "restart.ts": (H264, ("-c:a", "aac"), (0, 0)),
    "restart.mpg": (MPEG2, ("-c:a", "mp2"), (0, 0, 0)),
    "back.ts": (MPEG2, ("-c:a", "mp2"), (3600, 10)),
    "ahead.ts": (H264, ("-c:a", "mp2"), (0, 3600)),
    "wrap.ts": (H264, ("-c:a", "mp2"), (95443.0, 0)),
    "overlap.ts": (H264, ("-c:a", "mp2"), (0, 0.3)),
    "silent.ts": (H264, (), (50, 0)),
    "restart.mkv": ((*H264, "-bf", "0"), ("-c:a", "aac"), (0, 0)),
}
FORMATS = {".vob": "vob", ".ts": "mpegts", ".mpg": "mpeg", ".mkv": "matroska"}


def joined(ffmpeg: Any, name: str) -> Path:
    """Recordings of 24 frames each, put together byte by byte."""
    video, audio, offsets = JUMPS[name]
    data = b""
    for number, offset in enumerate(offsets):
        filters = "" if number % 2 == 0 else "hue=h=90"
        part = ffmpeg(
            f"{number}-{name}", *video, *audio, "-output_ts_offset", str(offset), "-f", FORMATS[Path(name).suffix],
            filters=filters, sound=bool(audio),
        )  # fmt: skip
        data += part.read_bytes()
    path: Path = ffmpeg.folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", JUMPS)
def test_frames_follow_each_other_at_the_usual_rate(name: str, ffmpeg: Any) -> None:
    path, parts = joined(ffmpeg, name), len(JUMPS[name][2])
    expected = [code for number in range(parts) for code in ffmpeg.hashes(ffmpeg.folder / f"{number}-{name}")]
    with VideoReader(probe(path)) as reader:
        info = reader.counted_info()
        frames = list(reader)
        assert info.frames == len(frames) == len(expected) == 24 * parts
        assert info.duration == pytest.approx(0.96 * parts) and len(info.clock) == parts
        assert {(b.pts - a.pts) * a.time_base for a, b in pairwise(frames)} == {frames[0].duration * frames[0].time_base}
        for index in (30, 41, 5, 25):
            found = reader.frame(index)
            assert (found.index, found.pts) == (index, frames[index].pts)
            assert (found.pixels == frames[index].pixels).all()
        assert reader.warnings == []
    alone = [frame.pixels for number in range(parts) for frame in VideoReader(ffmpeg.folder / f"{number}-{name}")]
    assert all((frame.pixels == pixels).all() for frame, pixels in zip(frames, alone, strict=True))


@pytest.mark.parametrize("name", ["gap.ts", "gap.mkv", "pause.mp4"])
def test_a_pause_is_no_jump(name: str, ffmpeg: Any) -> None:
    path = ffmpeg(name, "-fps_mode", "passthrough", *H264, filters="setpts='PTS+gte(N\\,8)*8/TB'")
    with VideoReader(probe(path)) as reader:
        info = reader.counted_info()
        assert info.clock == () and info.frames == 24 and info.duration == pytest.approx(8.96)
