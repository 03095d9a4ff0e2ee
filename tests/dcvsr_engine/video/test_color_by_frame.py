"""Colour and shape are those that every frame says itself, judged by ffmpeg; a file that changes on the way is read right."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.colorimetry import converted, means_other_colours, to_xyz
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

H264 = ("-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv444p")
OTHER = "scale=out_range=full:out_color_matrix=bt709"


def by_ffmpeg(path: Path) -> np.ndarray:
    """All frames in 8-bit RGB, by Debian's ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-fps_mode", "passthrough"]
    flags = ["-sws_flags", "accurate_rnd+full_chroma_int+full_chroma_inp", "-"]
    data = subprocess.run([*command, *flags], capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, 48, 64, 3).astype(float)


def frames_of(path: Path) -> tuple[np.ndarray, list[str]]:
    with VideoReader(path) as reader:
        return np.stack([frame.pixels * 255 for frame in reader]), reader.warnings


def test_matrix_and_range_that_change_on_the_way(ffmpeg: Any, tmp_path: Path) -> None:
    """From no tags to some; the other way round, FFmpeg's H.264 decoder keeps those that it has."""
    tags = ("-color_range", "pc", "-colorspace", "bt709")
    parts = []
    for number in (0, 1):
        more = tags if number else ()
        offset = ("-output_ts_offset", "0.6") if number else ()
        parts.append(ffmpeg(f"{number}.ts", *H264, *more, *offset, filters=OTHER if number else "", frames=12))
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    pixels, warnings = frames_of(path)
    alone = np.concatenate([by_ffmpeg(part) for part in parts])
    assert len(pixels) == 24 and np.abs(pixels - alone).max() < 2.5
    assert [("matrix" in warning and "range" in warning) for warning in warnings] == [True]
    with VideoReader(path) as reader:
        np.testing.assert_array_equal(reader.frame(11).pixels * 255, pixels[11])
        np.testing.assert_array_equal(reader.frame(20).pixels * 255, pixels[20])


@pytest.mark.parametrize("kinds", [("png", "jpg"), ("jpg", "png"), ("webp", "jpg"), ("tiff", "jpg", "webp", "bmp")])
def test_every_picture_of_a_folder_has_its_own_colours(kinds: tuple[str, ...], ffmpeg: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    made = ffmpeg("one.png", frames=1)
    for number in range(4):
        Image.open(made).convert("RGB").save(
            folder / f"{number}.{kinds[number % len(kinds)]}", quality=100, subsampling=0, lossless=True
        )
    pixels, warnings = frames_of(folder)
    assert np.abs(pixels - by_ffmpeg(made)).max(axis=(1, 2, 3)).max() < 12 and np.abs(pixels - by_ffmpeg(made)).mean() < 1
    assert warnings == []


def test_every_photograph_is_turned_as_it_says(tmp_path: Path) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 48, 3), np.uint8))
    for number, turn in enumerate((1, 3, 2)):
        exif = Image.Exif()
        exif[0x112] = turn
        picture.save(tmp_path / f"{number}.jpg", quality=95, exif=exif)
    pixels, _ = frames_of(tmp_path)
    np.testing.assert_array_equal(pixels[1], pixels[0][::-1, ::-1])
    np.testing.assert_array_equal(pixels[2], pixels[0][:, ::-1])


@pytest.mark.parametrize("kind", ["gray", "gray16le", "gray10le"])
def test_untagged_grey_is_read_as_ffmpeg_does(kind: str, ffmpeg: Any) -> None:
    name = "grey.avi" if kind == "gray" else "grey.mkv"
    path = ffmpeg(name, "-c:v", "rawvideo" if kind == "gray" else "ffv1", "-pix_fmt", kind, frames=4)
    pixels, _ = frames_of(path)
    assert np.abs(pixels - by_ffmpeg(path)).max() < 1.02


def test_one_pixel_is_read(ffmpeg: Any) -> None:
    path = ffmpeg("one.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv444p", "-s", "1x1", frames=3)
    with VideoReader(path) as reader:
        assert [frame.pixels.shape for frame in reader] == [(1, 1, 3)] * 3


def test_times_before_zero_in_matroska_are_found(ffmpeg: Any, ffprobe: Any, tmp_path: Path) -> None:
    made = ffmpeg("made.mp4", "-c:v", "libx264", "-bf", "2", "-c:a", "aac", sound=True)
    path = tmp_path / "negative.mkv"
    ffmpeg.run("-i", str(made), "-c", "copy", "-output_ts_offset", "-0.2", "-avoid_negative_ts", "disabled", str(path))
    with VideoReader(probe(path)) as reader:
        info = reader.counted_info()
        times = [round(frame.pts * frame.time_base * 1000) for frame in reader]
    assert times == [40 * n - 200 for n in range(24)] and info.start_pts == -200


SRGB = ColorInfo("gbr", "pc", "bt709", "iec61966-2-1")


def test_white_stays_white_and_conversion_has_an_inverse() -> None:
    values = np.random.default_rng(2).random((4, 5, 3), np.float32) * 0.8 + 0.1
    for transfer in ("bt709", "bt470bg", "linear", "smpte2084", "arib-std-b67", "smpte240m"):
        for primaries in ("bt2020", "smpte432"):
            other = ColorInfo("bt2020nc", "tv", primaries, transfer)
            assert np.abs(converted(converted(values, SRGB, other), other, SRGB) - values).max() < 1e-4
            grey = converted(np.full((1, 1, 3), 0.5, np.float32), SRGB, other)
            assert np.ptp(grey) < 1e-6


def test_matrices_and_curves_have_the_published_numbers() -> None:
    """BT.709 to XYZ (SMPTE RP 177 annex B), 203 cd/m² at 58 % of PQ and 75 % of HLG (BT.2408 table 1)."""
    np.testing.assert_allclose(to_xyz("bt709")[1], [0.2126, 0.7152, 0.0722], atol=5e-5)
    white = np.ones((1, 1, 3), np.float32)
    pq = converted(white, SRGB, ColorInfo("bt2020nc", "tv", "bt2020", "smpte2084"))
    hlg = converted(white, SRGB, ColorInfo("bt2020nc", "tv", "bt2020", "arib-std-b67"))
    assert pq[0, 0, 0] == pytest.approx(0.58, abs=0.005) and hlg[0, 0, 0] == pytest.approx(0.75, abs=0.005)


def test_what_is_only_assumed_is_no_other_colour() -> None:
    assumed = ColorInfo("bt709", "tv", "bt709", "bt709", ("primaries", "transfer"))
    hdr = ColorInfo("bt2020nc", "tv", "bt2020", "smpte2084")
    assert not means_other_colours(assumed, hdr) and means_other_colours(SRGB, hdr)
    assert not means_other_colours(ColorInfo("a", "tv", "bt709", "smpte170m"), ColorInfo("a", "tv", "bt709", "bt709"))


def test_a_transfer_that_changes_on_the_way_is_converted(ffmpeg: Any, tmp_path: Path) -> None:
    parts = []
    for number, tags in enumerate((("bt709", "bt709", "bt709"), ("bt2020", "smpte2084", "bt2020nc"))):
        params = f"log-level=none:colorprim={tags[0]}:transfer={tags[1]}:colormatrix={tags[2]}:lossless=1"
        options = ("-c:v", "libx265", "-pix_fmt", "yuv444p10le", "-x265-params", params)
        offset = ("-output_ts_offset", "0.4") if number else ()
        parts.append(ffmpeg(f"{number}.ts", *options, *offset, frames=8, filters="format=gray,format=yuv444p10le"))
    path = tmp_path / "joined.ts"
    shutil.copy(parts[0], path)
    path.write_bytes(path.read_bytes() + parts[1].read_bytes())
    pixels, warnings = frames_of(path)
    hdr, _ = frames_of(parts[1])
    expected = converted((hdr / 255).astype(np.float32)[0], probe(parts[1]).color, probe(parts[0]).color) * 255
    assert np.abs(pixels[8] - expected).max() < 0.01 and np.abs(pixels[8] - hdr[0]).max() > 20
    assert any("transfer" in warning for warning in warnings)
