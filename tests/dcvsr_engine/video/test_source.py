"""What is opened: regular files that hold their own pictures, by content; everything else is refused at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clips import Clip, write_clip

from dcvsr_engine.errors import InputError
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["pipe.mp4", "folder/pipe.png"])
def test_a_pipe_is_refused_at_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    for source in {path, path.parent if path.parent != tmp_path else path}:
        code = f"from pathlib import Path; from dcvsr_engine.video.probe import probe; probe(Path({str(source)!r}))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert "is not a regular file" in done.stderr or "holds no pictures" in done.stderr


def test_devices_and_names_that_cannot_be_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a regular file"):
        probe(Path("/dev/null"))
    with pytest.raises(InputError, match="cannot be read"):
        probe(tmp_path / ("a" * 300 + ".mp4"))


PLAYLISTS = {
    "concat.mp4": "ffconcat version 1.0\nfile '{name}'\n",
    "concat.txt": "ffconcat version 1.0\nfile '{path}'\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "list.ts": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{name}\n#EXT-X-ENDLIST\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "notes.nfo": "Some words about a film.\n" * 40,
    "art.ans": "\x1b[31mred\x1b[0m\n" * 40,
    "words.srt": "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_and_texts_open_no_other_file(name: str, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other.ts", Clip(pts=range(2)))
    (tmp_path / name).write_text(PLAYLISTS[name].format(name=other.name, path=other), encoding="utf-8")
    with pytest.raises(InputError, match="no video") as caught:
        probe(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_called_like_a_pattern_is_that_picture(tmp_path: Path) -> None:
    for name, width in (("pat%03d.png", 64), ("pat001.png", 96), ("star*.png", 64), ("star2.png", 96)):
        write_clip(tmp_path / "a.mov", Clip(pts=range(1), width=width, codec="png", pixel_format="rgb24"))
        with VideoReader(tmp_path / "a.mov") as reader:
            from PIL import Image

            Image.fromarray((reader.frame(0).pixels * 255).astype("u1")).save(tmp_path / name)
    assert probe(tmp_path / "pat%03d.png").width == 64
    assert probe(tmp_path / "star*.png").width == 64


@pytest.mark.parametrize("suffix", [".gif", ".png", ".jpg", ".mp4", ".txt", ""])
@pytest.mark.parametrize("content", ["webp", "gif", "png", "jpg", "mp4"])
def test_content_comes_before_the_suffix(content: str, suffix: str, tmp_path: Path, ffmpeg: Any, ffprobe: Any) -> None:
    codec = {"webp": ("libwebp_anim", "-lossless", "1"), "gif": ("gif",), "png": ("png",), "jpg": ("mjpeg",), "mp4": ("libx264",)}
    frames = 1 if content in ("png", "jpg") else 5
    made = ffmpeg(f"made.{content}", "-c:v", *codec[content], frames=frames)
    path = tmp_path / f"renamed{suffix}"
    shutil.move(made, path)
    info = probe(path)
    assert (info.width, info.height, info.frames) == (64, 48, frames)
    with VideoReader(info) as reader:
        assert len(list(reader)) == frames


def test_sound_that_begins_late_is_found(ffmpeg: Any, tmp_path: Path) -> None:
    path = tmp_path / "late.mpg"
    ffmpeg.run(
        *("-f", "lavfi", "-i", "smptebars=s=64x48:r=25", "-f", "lavfi", "-i", "sine=f=440:r=48000"),
        *("-filter_complex", "[1]adelay=13000|13000,atrim=13[a]", "-map", "0:v", "-map", "[a]", "-t", "15"),
        *("-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2", str(path)),
    )
    [track] = probe(path).audio
    assert (track.codec, track.sample_rate, track.channels) == ("mp2", 48000, 1)


def test_a_track_beyond_what_is_probed_is_found_by_counting(ffmpeg: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dcvsr_engine.video import source

    silent = ffmpeg("a.mpg", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", frames=200)
    sound = ffmpeg("b.mpg", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", "-c:a", "mp2", sound=True, frames=24)
    joined = tmp_path / "joined.mpg"
    joined.write_bytes(silent.read_bytes() + sound.read_bytes())
    monkeypatch.setattr(source, "PROBED_BYTES", silent.stat().st_size // 2)
    assert not any(track.sample_rate for track in probe(joined).audio)
    with VideoReader(joined) as reader:
        info = reader.counted_info()
    assert [(track.codec, track.sample_rate) for track in info.audio] == [("mp2", 48000)]
    assert info.late_tracks and info.frames == 224
