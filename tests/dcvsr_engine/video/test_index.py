"""Every frame is counted and shown at its time, whatever gaps there are; a file breaks off only when it does."""

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

sys.path.append(str(Path(__file__).parent))

from fields import field_coded

FIELDS = ("-c:v", "libx264", "-qp", "8", "-flags", "+ildct+ilme", "-x264opts", "tff=1")
PAUSE = "setpts='PTS+gte(N\\,8)*5/TB'"
UNEVEN = "settb=1/1000,setpts='(N+gte(N\\,5)*40+gte(N\\,9)*0.4-gte(N\\,12)*0.4)/25/TB'"
CASES = {
    "pause.mp4": (PAUSE, FIELDS),
    "pause.mkv": (PAUSE, FIELDS),
    "pause.ts": (PAUSE, FIELDS),
    "pause.mov": (PAUSE, ("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme")),
    "long.mp4": ("setpts='PTS+gte(N\\,2)*600/TB'", FIELDS),
    "slow.mp4": ("setpts='(N*40+gte(mod(N\\,4)\\,2)-40*gte(mod(N\\,4)\\,2))/25/TB'", FIELDS),
    "uneven.mkv": (UNEVEN, FIELDS),
    "steady.avi": ("null", FIELDS),
    "pause.avi": (PAUSE, ("-c:v", "mpeg4", "-q:v", "2", "-flags", "+ildct+ilme")),
    "uneven.mp4": (UNEVEN, FIELDS),
}


@pytest.mark.parametrize("name", CASES)
def test_interlaced_video_with_gaps_keeps_every_frame(name: str, tmp_path: Path, ffmpeg: Any, ffprobe: Any) -> None:
    filters, codec = CASES[name]
    path = ffmpeg(name, "-fps_mode", "passthrough", *codec, filters=filters, frames=16)
    info = probe(path)
    facts = ffprobe(path)
    assert info.interlaced and info.frames == len(facts.frames) == 16
    with VideoReader(info) as reader:
        frames = list(reader)
        if name != "steady.avi":  # H.264 in AVI has no times that ffprobe would trust
            assert [frame.pts for frame in frames] == sorted(int(frame["best_effort_timestamp"]) for frame in facts.frames)
        assert reader.frame(9).index == 9 and reader.warnings == []


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_fields_in_packets_of_their_own_are_one_frame(suffix: str, pause: bool, tmp_path: Path, ffprobe: Any) -> None:
    path, times = tmp_path / f"fields.{suffix}", [n * 40 + (5000 if pause and n >= 5 else 0) for n in range(12)]
    raw = tmp_path / "raw.h264"
    raw.write_bytes(b"".join(field_coded(12)))
    with av.open(str(raw)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for number, data in enumerate(field_coded(12)):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = times[number // 2] + number % 2 * 20
            packet.is_keyframe = number % 2 == 0
            out.mux(packet)
    info, facts = probe(path), ffprobe(path)
    assert info.interlaced and info.frames == len(facts.frames) == 12
    assert pause or info.frame_rate == 25
    with VideoReader(info, deinterlace=False) as reader:
        frames = list(reader)
        assert [round(frame.pts * frame.time_base * 1000) for frame in frames] == times
        assert [round(frame.pixels[0, 0, 0] * 219 + 16) for frame in frames] == [40 + 8 * n for n in range(12)]
        assert reader.frame(7).index == 7 and reader.warnings == []


def test_dropped_frames_in_avi_are_no_break(ffmpeg: Any, tmp_path: Path) -> None:
    path = ffmpeg("drop.avi", "-fps_mode", "passthrough", "-c:v", "ffv1", filters="select='not(between(n\\,10\\,20))'")
    with VideoReader(path) as reader:
        times = [frame.pts * frame.time_base for frame in reader]
        assert reader.warnings == [] and reader.index.broken is None
    assert times == [Fraction(n, 25) for n in [*range(10), *range(21, 35)]]


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv", "cut.mp4"])
def test_a_file_that_is_cut_off_breaks_off(name: str, ffmpeg: Any) -> None:
    path = ffmpeg(name, "-c:v", "mpeg4" if name.endswith("avi") else "libx264", "-g", "4", "-movflags", "+faststart")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with VideoReader(path) as reader:
        assert 0 < len(list(reader)) < 24
        assert any("breaks off" in warning for warning in reader.warnings)


def test_a_clip_that_was_trimmed_without_encoding_does_not_break_off(ffmpeg: Any, ffprobe: Any, tmp_path: Path) -> None:
    path = ffmpeg("whole.mp4", "-c:v", "libx264", "-g", "8")
    ffmpeg.run("-ss", "0.2", "-i", str(path), "-t", "0.5", "-c", "copy", str(tmp_path / "trimmed.mp4"))
    with VideoReader(tmp_path / "trimmed.mp4") as reader:
        frames = list(reader)
        assert reader.warnings == [] and len(frames) == len(ffprobe(tmp_path / "trimmed.mp4").frames)
