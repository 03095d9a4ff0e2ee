"""Packets of other tracks that share a time, or go back: nothing is lost that a container can hold."""

from pathlib import Path
from typing import Any

import pytest

LINES = """[Script Info]
ScriptType: v4.00+
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.10,0:00:00.50,Default,,0,0,0,,spoken
Dialogue: 1,0:00:00.10,0:00:00.90,Default,,0,0,0,,sign
Dialogue: 0,0:00:00.30,0:00:00.90,Default,,0,0,0,,answer
"""


def subtitled(ffmpeg: Any, codec: str, name: str) -> Path:
    """A clip with three lines, two of which begin together."""
    (ffmpeg.folder / "lines.ass").write_text(LINES)
    video = ffmpeg("video.mkv", "-c:v", "mpeg4")
    path: Path = ffmpeg.folder / name
    ffmpeg.run("-i", str(video), "-i", str(ffmpeg.folder / "lines.ass"), "-c:v", "copy", "-c:s", codec, str(path))
    return path


def texts(ffmpeg: Any, path: Path) -> list[str]:
    """The lines of a clip's subtitles."""
    ffmpeg.run("-i", str(path), "-map", "0:s", "-c:s", "srt", str(ffmpeg.folder / "lines.srt"))
    words = "spoken", "sign", "answer"
    read = (ffmpeg.folder / "lines.srt").read_text()
    return sorted((word for word in words if word in read), key=read.index)


@pytest.mark.parametrize(("codec", "name"), [("ass", "clip.mkv"), ("srt", "text.mkv")])
def test_lines_that_begin_together_all_stay(codec: str, name: str, ffmpeg: Any, tmp_path: Path, restore: Any) -> None:
    path = subtitled(ffmpeg, codec, name)
    assert texts(ffmpeg, path) == ["spoken", "sign", "answer"]
    assert restore(path, tmp_path / "out.mkv").notes == ()
    assert texts(ffmpeg, tmp_path / "out.mkv") == ["spoken", "sign", "answer"]


@pytest.mark.parametrize("name", ["mlp.mkv", "truehd.mkv", "real_144.rm"])
def test_sound_whose_packets_share_a_time_is_whole(name: str, ffmpeg: Any, tmp_path: Path, restore: Any) -> None:
    codec, suffix = name.split(".")
    video = ("-c:v", "rv20") if suffix == "rm" else ("-c:v", "mpeg4")
    sound = ("-ar", "8000", "-ac", "1") if suffix == "rm" else ("-strict", "-2", "-ac", "2")
    path = ffmpeg(name, *video, *(("-s", "176x144") if suffix == "rm" else ()), "-c:a", codec, *sound, sound=True)
    restore(path, tmp_path / "out.mkv")
    assert ffmpeg.hashes(tmp_path / "out.mkv", "a") == ffmpeg.hashes(path, "a")
