"""Bad input and bad targets: one clear sentence each, and nothing left behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import Clip, no_frames, sound_only, write_clip

from dcvsr_engine.errors import DiskFullError, InputError, OutputError, UserError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video import decode
from dcvsr_engine.video import probe as probing
from dcvsr_engine.video.encoders import check_encoder
from dcvsr_engine.video.probe import VideoInfo, probe
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import VideoWriter, check_target

H264 = OutputSettings(codec="h264", bit_depth=8)
H265 = OutputSettings(codec="h265", bit_depth=8)


def cut_short(path: Path) -> None:
    data = write_clip(path, Clip()).read_bytes()
    path.write_bytes(data[: len(data) // 2])  # the index is at the end


def broken_exr(path: Path) -> None:
    with av.open(str(path), "w", format="image2") as out:
        stream = out.add_stream("exr", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gbrpf32le"
        out.mux(stream.encode(av.VideoFrame(64, 48, "gbrpf32le")))
        out.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[:300] + b"\xff" * 40)


BAD: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "missing": ("gone.mp4", lambda path: None, "does not exist"),
    "text": ("text.mp4", lambda path: path.write_text("hello " * 100), "is damaged or incomplete, or no video"),
    "empty": ("empty.mp4", lambda path: path.touch(), "is empty"),
    "truncated mp4": ("cut.mp4", cut_short, "is damaged or incomplete, or no video"),
    "zero frames": ("none.mkv", no_frames, "holds no frames"),
    "zero frames in mp4": ("none.mp4", no_frames, "no video track"),
    "zero frames in avi": ("none.avi", no_frames, "holds no frames"),
    "audio only": ("sound.mp4", sound_only, "no video track"),
    "damaged EXR": ("0001.exr", broken_exr, "can be decoded"),
    "empty folder": ("folder", lambda path: path.mkdir(), "holds no pictures"),
    "empty pattern": ("shot_%04d.png", lambda path: None, "holds no pictures"),
    "no such folder": ("nowhere/shot_*.png", lambda path: None, "holds no pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str, tmp_path: Path) -> None:
    name, make, words = BAD[case]
    make(tmp_path / name)
    with pytest.raises(InputError, match=words) as caught:
        probe(tmp_path / name)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "Errno" not in sentence and name in sentence


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    """Facts about a short clip."""
    return probe(write_clip(tmp_path / "in.mp4", Clip(pts=range(3))))


@pytest.mark.parametrize(
    ("target", "settings", "words"),
    [
        ("out.avi", {}, "no known video suffix; name it .mp4"),
        ("out.mp4", {"codec": "prores"}, "ProRes does not go into .mp4; name the output .mov or .mkv"),
        ("out.mov", {"codec": "ffv1"}, "FFV1 does not go into .mov; name the output .mkv"),
        ("out.mp4", {"codec": "png"}, "PNG pictures go into a folder"),
        ("nowhere/out.mp4", {}, "does not exist"),
        ("in.mp4", {}, "is the input itself"),
        ("in.mp4", {"overwrite": True}, "is the input itself"),
        ("out.mp4", {"preset": "warp"}, "preset must be one of"),
        ("folder.mp4", {}, "is a folder"),
        ("in.mp4/out.mp4", {}, "does not exist"),
        ("full", {"codec": "png"}, "holds files already"),
        ("full", {"codec": "png", "overwrite": True}, "holds other files"),
        ("plain", {"codec": "png", "overwrite": True}, "is a file, but pictures need a folder"),
    ],
)
def test_bad_target(target: str, settings: dict[str, Any], words: str, info: VideoInfo, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    (tmp_path / "plain").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=words) as caught:
        check_target(tmp_path / target, info, OutputSettings(**settings))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert sorted(tmp_path.rglob("*")) == before


def test_unwritable_folder(info: VideoInfo, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    target = folder / "out.mp4" if os.geteuid() else Path("/proc/out.mp4")  # root may write everywhere but there
    with pytest.raises(OutputError, match="cannot be written"):
        check_target(target, info, OutputSettings())


def test_nvenc_where_there_is_none(info: VideoInfo, tmp_path: Path) -> None:
    if check_target(tmp_path / "out.mp4", info, OutputSettings(codec="hevc_nvenc")).codec == "h265":
        with pytest.raises(OutputError, match="needs an NVIDIA GPU"):
            check_encoder("hevc_nvenc")
    else:
        with VideoWriter(tmp_path / "a.nut", info, 256, 256, OutputSettings(codec="hevc_nvenc", bit_depth=8)) as writer:
            writer.write(np.zeros((256, 256, 3), np.float32), 0)


def test_overwriting_replaces_only_what_it_should(info: VideoInfo, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    for frames in ((0, 2), (0, 1)):
        settings = check_target(folder, info, OutputSettings(codec="png", overwrite=True))
        with VideoReader(info) as reader, VideoWriter(tmp_path / "a.nut", info, 64, 48, settings) as writer:
            for frame in reader.frames(*frames):
                writer.write(frame.pixels, frame.pts)
        publish([tmp_path / "a.nut"], folder, info, settings, frames)
    assert sorted(path.name for path in folder.iterdir()) == ["000000.png", "000001.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nut", "in.mp4", "pictures"]


def test_an_exception_leaves_nothing(info: VideoInfo, tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        VideoWriter(tmp_path / "a.nut", info, 64, 48, H264) as writer,
    ):
        writer.write(np.zeros((48, 64, 3), np.float32), 0)
        raise ZeroDivisionError
    with (
        pytest.raises(OutputError, match="16×8"),
        VideoWriter(tmp_path / "a.nut", info, 16, 8, H265),
    ):
        pass
    broken = tmp_path / "broken.nut"
    broken.write_text("no segment")
    with pytest.raises(UserError):
        publish([broken], tmp_path / "out.mp4", info, OutputSettings())
    with pytest.raises(OutputError, match="no frames"):
        publish([], tmp_path / "out.mp4", info, OutputSettings())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.nut", "in.mp4"]


def test_full_disk(info: VideoInfo, tmp_path: Path) -> None:
    """On a tmpfs of 200 KiB."""

    def make_segment(path: Path, codec: str) -> VideoWriter:
        return VideoWriter(path, info, 320, 240, OutputSettings(codec=codec, bit_depth=8))  # type: ignore[arg-type]

    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        noise = np.random.default_rng(1).random((240, 320, 3), np.float32)
        with pytest.raises(DiskFullError, match="no room left"), make_segment(place / "a.nut", "ffv1") as writer:
            for pts in range(20):
                writer.write(noise, pts)
        assert list(place.iterdir()) == []
        with make_segment(tmp_path / "a.nut", "ffv1") as writer:
            for pts in range(3):
                writer.write(noise, pts)
        with pytest.raises(DiskFullError, match="no room left"):
            publish([tmp_path / "a.nut"], place / "out.mkv", info, OutputSettings(codec="ffv1"))
        with make_segment(tmp_path / "b.nut", "png") as writer:
            for pts in range(3):
                writer.write(noise, pts)
        with pytest.raises(DiskFullError, match="no room left"):
            publish([tmp_path / "b.nut"], place / "pictures", info, OutputSettings(codec="png"))
        assert list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_frame_of_the_wrong_size_is_a_programming_error(info: VideoInfo, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="expected"),
        VideoWriter(tmp_path / "a.nut", info, 64, 48, H264) as writer,
    ):
        writer.write(np.zeros((24, 64, 3), np.float32), 0)


def test_probe_decodes_one_frame_and_counts_packets_of_small_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window calls it, which is not to wait."""
    path, decoded, frames = write_clip(tmp_path / "in.mp4", Clip(pts=range(50), rate=Fraction(25))), [], decode.frames

    def noted(*arguments: Any) -> Iterator[av.VideoFrame]:
        for frame in frames(*arguments):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(decode, "frames", noted)
    assert probe(path).frames_exact and len(decoded) == 1
    monkeypatch.setattr(probing, "COUNTED_BYTES", 1)
    monkeypatch.setattr(probing, "build_index", pytest.fail)
    info = probe(path)
    assert info.frames == 50 and not info.frames_exact and len(decoded) == 2


def test_probe_loads_no_torch(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "in.mp4", Clip())
    code = """
import sys
from pathlib import Path
from dcvsr_engine.video.probe import probe
probe(Path(sys.argv[1]))
assert "torch" not in sys.modules
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
