"""Pictures made of tiles are whole, and animations have all their frames."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader


@pytest.fixture
def tiled(tmp_path: Path) -> Path:
    """An AVIF of 2×2 tiles."""
    if shutil.which("avifenc") is None:
        pytest.skip("avifenc is not installed")
    rows, columns = np.mgrid[0:128, 0:256]
    Image.fromarray(np.stack([columns, rows * 2, 255 - columns], -1).astype(np.uint8)).save(tmp_path / "plain.png")
    command = ["avifenc", "-g", "2x2", "-y", "444", "--min", "0", "--max", "4", "plain.png", "tiled.avif"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "tiled.avif"


def test_an_avif_of_tiles_is_whole(tiled: Path) -> None:
    info = probe(tiled)
    assert (info.width, info.height, info.frames) == (256, 128, 1)
    with VideoReader(info) as reader, VideoReader(tiled.with_name("plain.png")) as plain:
        assert np.abs(reader.frame(0).pixels - plain.frame(0).pixels).max() < 8 / 255


def test_an_avif_of_tiles_is_whole_in_a_folder(tiled: Path) -> None:
    folder = tiled.parent / "folder"
    folder.mkdir()
    shutil.copy(tiled, folder / "1.avif")
    shutil.copy(tiled.with_name("plain.png"), folder / "2.png")
    with VideoReader(folder) as reader:
        first, second = reader
    assert np.abs(first.pixels - second.pixels).max() < 8 / 255


def test_tiles_that_cannot_be_put_together_are_refused(tiled: Path) -> None:
    path = tiled.with_suffix(".heic")
    data = tiled.read_bytes()
    (size,) = struct.unpack(">I", data[:4])
    path.write_bytes(data[:8] + b"heic" + data[12:16] + b"heic" * ((size - 16) // 4) + data[size:])
    with pytest.raises(InputError, match="is made of tiles, which cannot be put together here; save it as JPEG or PNG"):
        probe(path)


def test_an_animated_avif_has_all_its_frames(ffmpeg: Any, tmp_path: Path) -> None:
    path = tmp_path / "moving.avif"
    pictures = [Image.new("RGB", (64, 48), (40 * number, 90, 200)) for number in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, quality=95)
    info = probe(path)
    assert info.frames == 5 and info.duration == pytest.approx(0.5)
    with VideoReader(info) as reader:
        assert [round(float(frame.pixels[0, 0, 0]) * 255 / 40) for frame in reader] == [0, 1, 2, 3, 4]


def test_the_last_frame_of_an_animation_is_shown_for_its_time(restore: Any, ffprobe: Any, tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (64, 48), (40 * number, 90, 200)) for number in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=[100, 50, 300], lossless=True)
    restore(tmp_path / "a.webp", tmp_path / "out.mp4")
    assert float(ffprobe(tmp_path / "out.mp4").format["duration"]) == pytest.approx(0.45, abs=0.002)


def test_a_duration_that_is_not_said_is_that_of_browsers(tmp_path: Path) -> None:
    """aruiz/webp-pixbuf-loader#79: animations whose frames all last 0 ms would be over at once."""
    pictures = [Image.new("RGB", (32, 24), (60 * number, 90, 50)) for number in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=[0, 10, 50], lossless=True)
    with VideoReader(tmp_path / "a.webp") as reader:
        assert [frame.duration for frame in reader] == [100, 100, 50]
