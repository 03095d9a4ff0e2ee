"""What the video tests share: an independent reader and the way from a clip to an output, with the network left out."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.publish import Published, publish
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import VideoWriter, check_target

FFPROBE = shutil.which("ffprobe")


class Facts:
    """What Debian's ffprobe says about a file."""

    def __init__(self, path: Path) -> None:
        options = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", "-show_frames"]
        command = [str(FFPROBE), *options, "-show_entries", "frame", "file:" + str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
        facts = json.loads(done.stdout)
        self.format: dict[str, Any] = facts["format"]
        self.streams: list[dict[str, Any]] = facts["streams"]
        self.chapters: list[dict[str, Any]] = facts["chapters"]
        self.frames: list[dict[str, Any]] = [f for f in facts["frames"] if f.get("media_type") == "video"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The streams of a kind."""
        return [stream for stream in self.streams if stream["codec_type"] == kind]

    @property
    def video(self) -> dict[str, Any]:
        """The one video stream."""
        (stream,) = self.of("video")
        return stream

    @property
    def pts(self) -> list[int]:
        """Time of every frame, in ticks."""
        return [int(frame["pts"]) for frame in self.frames]


@pytest.fixture
def ffprobe() -> Callable[[Path], Facts]:
    """Reads a file with a program that shares no code with ours."""
    if FFPROBE is None:
        pytest.skip("ffprobe is not installed")
    return Facts


FFMPEG = shutil.which("ffmpeg")
PATTERN = (
    "smptebars=s=64x48:r=25[bars];color=white:s=8x16:r=25[block];[bars][block]overlay=x=mod(n\\,8)*8:y=floor(mod(n\\,24)/8)*16"
)
"""Colour bars and a block that walks, so that 24 frames can be told apart."""


class Ffmpeg:
    """Makes clips with Debian's ffmpeg, which shares no code with ours, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, *options: str, filters: str = "", sound: bool = False, frames: int = 24) -> Path:
        """Write a clip of ``frames`` frames of `PATTERN`, filtered, perhaps with a tone."""
        inputs = ["-f", "lavfi", "-i", PATTERN + ("," + filters if filters else "")]
        inputs += ["-f", "lavfi", "-i", "sine=f=440:r=48000"] if sound else []
        length = ["-shortest"] if sound else []
        self.run(*inputs, "-frames:v", str(frames), *length, *options, f"file:{self.folder / name}")
        return self.folder / name

    def run(self, *arguments: str) -> None:
        """Run ffmpeg with any arguments."""
        command = [str(FFMPEG), "-y", "-nostdin", "-v", "error", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr

    def hashes(self, path: Path, kind: str = "v") -> list[str]:
        """One hash per decoded frame, by ffmpeg's framemd5."""
        command = [str(FFMPEG), "-v", "quiet", "-i", f"file:{path}", "-map", f"0:{kind}", "-fps_mode", "passthrough"]
        done = subprocess.run([*command, "-f", "framemd5", "-"], capture_output=True, text=True, timeout=120, check=False)
        return [line.rsplit(",", 1)[1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]


@pytest.fixture
def ffmpeg(tmp_path: Path) -> Ffmpeg:
    """Makes clips in the test's folder."""
    if FFMPEG is None:
        pytest.skip("ffmpeg is not installed")
    return Ffmpeg(tmp_path)


Restore = Callable[..., Published]


@pytest.fixture
def restore(tmp_path: Path) -> Restore:
    """Reads a clip, enlarges it, writes it in two segments and publishes these."""

    def run(
        source: Path, target: Path, scale: int = 1, frames: tuple[int, int] | None = None, cut: int | None = None, **output: Any
    ) -> Published:
        with VideoReader(probe(source)) as counting:
            info = counting.counted_info()
        settings = check_target(target, info, OutputSettings(**output))
        first, last = frames or (0, info.frames - 1)
        cut = (first + last + 1) // 2 if cut is None else cut
        parts = [(a, b) for a, b in ((first, cut - 1), (cut, last)) if b >= a]
        folder = tmp_path / "segments"
        folder.mkdir(exist_ok=True)
        segments = []
        with VideoReader(info) as reader:
            for number, (begin, end) in enumerate(parts):
                segments.append(folder / f"{number}.segment")
                with VideoWriter(segments[-1], info, info.width * scale, info.height * scale, settings) as writer:
                    for frame in reader.frames(begin, end):
                        pixels = np.repeat(np.repeat(frame.pixels, scale, 0), scale, 1)
                        writer.write(pixels, frame.pts, frame.duration, frame.alpha, frame.excess)
        published = publish(segments, target, info, settings, frames)
        assert [path.name for path in folder.iterdir() if path not in segments] == []
        assert [path.name for path in target.parent.iterdir() if ".partial-" in path.name] == []
        return published

    return run
