"""The reader: every frame once, in order, with its time, from anywhere, in any container."""

import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import (
    BT601,
    GOLDEN,
    TRACKS,
    VFR_PTS,
    Clip,
    bars,
    codes,
    golden,
    number_of,
    numbered,
    truncate,
    video_frame,
    write_clip,
)
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

X265 = "log-level=none:open-gop=1:keyint=8:min-keyint=8:bframes=4"
PYRAMID = "open-gop=1:bframes=3:b-pyramid=normal:keyint=8:min-keyint=8"
LONG = Clip(pts=range(30))
CONTAINERS = {
    "x264.mp4": LONG,
    "x264.mkv": LONG,
    "x264.ts": LONG,
    "x264.flv": LONG,
    "x264.avi": LONG,
    "x264.h264": LONG,
    "open.mp4": replace(LONG, options={"x264-params": PYRAMID}),
    "open.ts": replace(LONG, options={"x264-params": PYRAMID}),
    "refresh.mp4": replace(LONG, options={"x264-params": "intra-refresh=1:keyint=10:bframes=0"}),
    "x265.mp4": replace(LONG, codec="libx265", options={"x265-params": X265}),
    "x265.ts": replace(LONG, codec="libx265", options={"x265-params": X265}),
    "mpeg2.mpg": replace(LONG, codec="mpeg2video", options={"bf": "2", "g": "8"}),
    "mpeg4.avi": replace(LONG, codec="mpeg4", options={"bf": "2", "g": "8"}),
    "vp9.webm": replace(LONG, codec="libvpx-vp9", options={"auto-alt-ref": "1", "lag-in-frames": "16", "g": "12"}),
    "av1.mp4": replace(LONG, codec="libsvtav1", options={"g": "12", "preset": "10"}),
    "raw.avi": replace(LONG, codec="rawvideo", pixel_format="bgr24"),
    "fields.ts": replace(LONG, color=BT601, interlaced=True, options={"x264-params": "tff=1"}),
    "fields.mpg": replace(LONG, codec="mpeg2video", color=BT601, interlaced=True, options={"bf": "2", "g": "8"}),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_frame_is_found_from_anywhere(name: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / name, CONTAINERS[name])
    info = probe(path)
    assert (info.frames, info.frames_exact, info.frame_rate) == (30, True, 25)
    with VideoReader(info) as reader:
        frames = list(reader)
    assert [number_of(frame.pixels) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    steps = [round((b.pts - a.pts) * float(info.time_base), 4) for a, b in pairwise(frames)]
    assert steps == [0.04] * 29
    for first in random.Random(name).sample(range(30), 5):
        with VideoReader(info) as reader:
            found = reader.frame(first)
        assert found.pts == frames[first].pts
        np.testing.assert_array_equal(found.pixels, frames[first].pixels)
    with VideoReader(info) as reader:
        assert [number_of(frame.pixels) for frame in reader.frames(13, 17)] == [13, 14, 15, 16, 17]
        assert [reader.frame(index).index for index in (20, 21, 25, 3, 2, 29)] == [20, 21, 25, 3, 2, 29]
        assert reader.warnings == []


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_clips(name: str, tmp_path: Path) -> None:
    clip = GOLDEN[name][1]
    with VideoReader(golden(name, tmp_path)) as reader:
        frames = list(reader)
    first = frames[0].pixels
    assert first.dtype == np.float32 and first.min() >= 0 and first.max() <= 1
    expected = numbered(0, clip.width, clip.height)
    if clip.rotation is not None:
        expected = expected[:, ::-1] if clip.rotation[1] else np.rot90(expected, -1)
    assert first.shape == expected.shape == (reader.info.height, reader.info.width, 3)
    assert np.abs(first[8:] - expected[8:])[:, :-8].mean() < 0.03
    if name != "truncated":
        assert len(frames) == len(clip.pts)
    if clip.rotation is None:
        assert [number_of(frame.pixels) for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_display_matrix(degrees: int, mirror: bool, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "phone.mov", Clip(pts=range(1), rotation=(degrees, mirror), codec="png", pixel_format="rgb24"))
    turned = np.rot90(numbered(0, 64, 48), degrees // 90)  # counter-clockwise, then mirrored; ffmpeg shows the same
    expected = turned[:, ::-1] if mirror else turned
    info = probe(path)
    assert (info.width, info.height) == expected.shape[1::-1]
    assert (info.rotation, info.mirror) == (-degrees % 360, mirror)
    with VideoReader(info) as reader:
        np.testing.assert_allclose(reader.frame(0).pixels, expected, atol=0.5 / 255 + 1e-6)


def test_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "vfr.mov", Clip(pts=VFR_PTS, time_base=Fraction(1, 90000), codec="png", pixel_format="rgb24"))
    info = probe(path)
    assert info.variable_frame_rate and info.time_base == Fraction(1, 90000)
    with VideoReader(info) as reader:
        times = [(frame.pts - info.start_pts, frame.duration) for frame in reader]
    assert [pts for pts, _ in times] == [pts - VFR_PTS[0] for pts in VFR_PTS]
    assert [length for _, length in times][:-1] == list(np.diff(VFR_PTS))


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv444p10le", "yuv420p", "yuv420p10le", "yuv422p12le"])
@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("level", [1, 2])
def test_colour_is_exact(pixel_format: str, matrix: int, level: int, tmp_path: Path) -> None:
    """Bars of known RGB, written by the equations of H.273: what is read is off by no more than the file's own rounding."""
    color = (matrix, level, 1, 1)
    path = write_clip(
        tmp_path / "bars.mkv", Clip(pts=range(1), codec="ffv1", pixel_format=pixel_format, color=color, picture=bars, width=128)
    )
    with VideoReader(path) as reader:
        pixels = reader.frame(0).pixels
    middle = slice(8, None, 16)
    bits = reader.info.bit_depth
    error = np.abs(codes(pixels[:, middle], color, bits) - codes(bars(0, 128, 48)[:, middle], color, bits)).max()
    assert error <= 0.5 + 1e-2
    assert reader.info.color.range == ("tv" if level == 1 else "pc")


def test_more_than_8_bits_stay(tmp_path: Path) -> None:
    def ramp(index: int, width: int, height: int) -> np.ndarray:
        return np.broadcast_to((np.arange(width * height).reshape(height, width, 1) / (width * height)), (height, width, 3))

    path = write_clip(tmp_path / "deep.mkv", Clip(pts=range(1), codec="ffv1", pixel_format="yuv444p10le", picture=ramp))
    with VideoReader(path) as reader:
        assert len(np.unique(reader.frame(0).pixels[..., 1])) > 800
        assert reader.info.bit_depth == 10
    Image.fromarray((ramp(0, 64, 48)[..., 0] * 65535).astype(np.uint16)).save(tmp_path / "deep.png")
    with VideoReader(tmp_path / "deep.png") as reader:
        assert np.abs(reader.frame(0).pixels - ramp(0, 64, 48)).max() < 1 / 65535 + 1e-6


def test_chroma_siting_keeps_a_ramp_in_place(tmp_path: Path) -> None:
    """A colour ramp read back from left-sited 4:2:0 is not shifted by half a pixel."""

    def ramp(index: int, width: int, height: int) -> np.ndarray:
        across = np.broadcast_to(0.2 + 0.6 * np.arange(width) / (width - 1), (height, width))
        return np.stack([across, np.full_like(across, 0.5), 1 - across], -1)

    frame = video_frame(ramp(0, 64, 48), "yuv444p16le", (1, 1, 1, 1))
    full = np.stack([np.frombuffer(memoryview(p), "<u2").reshape(48, -1)[:, :64] for p in frame.planes]).astype(float) / 256
    small = av.VideoFrame(64, 48, "yuv420p")
    for place, plane in enumerate(small.planes):
        values = full[place] if place == 0 else full[place][::2, ::2]  # the ramp is horizontal: the even columns are left-sited
        np.frombuffer(memoryview(plane), "u1").reshape(plane.height, -1)[:, : plane.width] = np.rint(values)
    with av.open(str(tmp_path / "ramp.mkv"), "w") as out:
        stream = out.add_stream("ffv1", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        out.mux(stream.encode(small))
        out.mux(stream.encode(None))
    with VideoReader(tmp_path / "ramp.mkv") as reader:
        error = reader.frame(0).pixels[:, 2:-2] - ramp(0, 64, 48)[:, 2:-2]
    assert np.abs(error.mean((0, 1))).max() < 0.5 / 255
    assert np.abs(error).max() < 1.6 / 255


def test_interlaced_is_deinterlaced_frame_by_frame(tmp_path: Path) -> None:
    def comb(index: int, width: int, height: int) -> np.ndarray:
        """A bar that moves between the two fields."""
        pixels = np.full((height, width, 3), 0.2)
        for row in range(height):
            left = 8 * index + 4 * (row % 2)
            pixels[row, left : left + 8] = 0.8
        return pixels

    clip = Clip(pts=range(6), codec="mpeg2video", color=BT601, interlaced=True, picture=comb, options={"b": "4000000"})
    info = probe(write_clip(tmp_path / "fields.mpg", clip))
    assert info.interlaced and info.field_order == "top field first"

    def combing(pixels: np.ndarray) -> float:
        return float(np.abs(np.diff(pixels, axis=0)).mean())

    with VideoReader(info) as reader, VideoReader(info, deinterlace=False) as raw:
        smooth, combed = list(reader), list(raw)
        again = reader.frame(3)
    assert [f.pts for f in smooth] == [f.pts for f in combed] and len(smooth) == 6
    assert combing(smooth[3].pixels) < 0.5 * combing(combed[3].pixels)
    np.testing.assert_array_equal(again.pixels, smooth[3].pixels)


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mpg", "avi"])
def test_truncated_file_is_read_up_to_the_break(suffix: str, tmp_path: Path) -> None:
    codec = {"mpg": "mpeg2video", "avi": "ffv1"}.get(suffix, "libx264")
    path = truncate(write_clip(tmp_path / f"cut.{suffix}", Clip(pts=range(40), codec=codec)), 0.6)
    with VideoReader(path) as reader:
        numbers = [number_of(frame.pixels) for frame in reader]
        total = reader.frames_total
    assert 15 < len(numbers) < 40
    assert numbers[:-2] == list(range(len(numbers) - 2))
    assert len(numbers) <= total
    if suffix in ("mkv", "avi"):
        assert len(reader.warnings) >= 1 and "breaks off" in reader.warnings[0]


def test_mp4_with_its_index_in_front_is_read_up_to_the_break(tmp_path: Path) -> None:
    clip = Clip(pts=range(40), container_options={"movflags": "faststart"})
    path = truncate(write_clip(tmp_path / "cut.mp4", clip), 0.6)
    with VideoReader(path) as reader:
        numbers = [number_of(frame.pixels) for frame in reader]
    assert 10 < len(numbers) < 40 and numbers[:-3] == list(range(len(numbers) - 3))
    assert any("breaks off" in warning for warning in reader.warnings)


def test_recording_that_starts_between_key_frames(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.ts", Clip(pts=range(40)))
    data = whole.read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(data[len(data) // 3 // 188 * 188 :])
    with VideoReader(cut) as reader:
        frames = list(reader)
        numbers = [number_of(frame.pixels) for frame in frames]
        assert numbers == list(range(numbers[0], 40))
        assert reader.frames_total == len(frames) and [f.index for f in frames] == list(range(len(frames)))
        assert number_of(reader.frame(9).pixels) == numbers[9]


def test_damaged_packets_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mov", Clip(pts=range(20), codec="png", pixel_format="rgb24"))
    with av.open(str(path)) as source:
        positions = [packet.pos for packet in source.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[positions[7] : positions[7] + 60] = bytes(60)
    path.write_bytes(data)
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.frames_total == 20
        with pytest.raises(InputError, match="Frame 7"):
            reader.frame(7)
    assert [number_of(frame.pixels) for frame in frames] == [frame.index for frame in frames] == [*range(7), *range(8, 20)]
    assert "Frames 7 to 7 of “clip.mov” are damaged and left out." in reader.warnings


def test_picture_folder(tmp_path: Path) -> None:
    for index in range(12):
        pixels = (numbered(index, 64, 48) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"shot_{index}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    for source in (tmp_path, tmp_path / "shot_%d.png", tmp_path / "shot_*.png"):
        info = probe(source)
        assert (info.frames, info.is_sequence, info.bit_depth, info.frame_rate) == (12, True, 8, 25)
        with VideoReader(info) as reader:
            assert [number_of(frame.pixels) for frame in reader] == list(range(12))
            assert number_of(reader.frame(10).pixels) == 10
    Image.new("RGB", (10, 10)).save(tmp_path / "shot_5.png")
    with VideoReader(tmp_path) as reader, pytest.raises(InputError, match=r"Frame 5 .* is 10×10 pixels"):
        list(reader)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animations(suffix: str, tmp_path: Path) -> None:
    pictures = [Image.fromarray((numbered(i, 64, 48) * 255).astype(np.uint8)) for i in range(5)]
    path = tmp_path / f"anim.{suffix}"
    more = {"lossless": True} if suffix == "webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 50, 200, 100, 70], **more)
    info = probe(path)
    assert info.frames == 5 and info.variable_frame_rate and info.duration == pytest.approx(0.52)
    with VideoReader(info) as reader:
        frames = list(reader)
        assert number_of(reader.frame(3).pixels) == 3
    assert [number_of(f.pixels) for f in frames] == [0, 1, 2, 3, 4]
    assert [round(float(f.pts * f.time_base), 3) for f in frames] == [0, 0.1, 0.15, 0.35, 0.45]


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 5  # mirrored and turned
    picture = Image.fromarray((numbered(3, 64, 48) * 255).astype(np.uint8))
    picture.save(tmp_path / "plain.jpg", quality=95)
    picture.save(tmp_path / "turned.jpg", quality=95, exif=exif)
    with VideoReader(tmp_path / "plain.jpg") as plain, VideoReader(tmp_path / "turned.jpg") as turned:
        np.testing.assert_array_equal(turned.frame(0).pixels, plain.frame(0).pixels.swapaxes(0, 1))


def test_picture_size_that_changes_is_refused(tmp_path: Path) -> None:
    parts = [write_clip(tmp_path / f"{n}.ts", Clip(pts=range(8), width=w)) for n, w in enumerate((64, 96))]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoReader(joined) as reader, pytest.raises(InputError, match="96×48"):
        list(reader)


def test_tracks_are_listed(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "tracks.mkv", TRACKS))
    assert [(t.codec, t.language, t.title, t.channels) for t in info.audio] == [
        ("aac", "eng", "Original", 1),
        ("aac", "fra", "Doublage", 1),
    ]
    assert [(t.codec, t.language) for t in info.subtitles] == [("subrip", "ger")]
    assert [(c.start, c.end, c.title) for c in info.chapters] == [(0, 1, "Anfang"), (1, 2, "Ende")]


def test_a_palette_is_not_forgotten_by_seeking(tmp_path: Path) -> None:
    """PyAV-Org/PyAV#1987: frames after a seek are black, as the palette comes with the first packet alone."""
    path, picture = tmp_path / "palette.avi", Image.new("P", (64, 48), 1)
    picture.putpalette([0, 0, 0, 250, 120, 60])
    picture.save(tmp_path / "one.bmp")
    with av.open(str(tmp_path / "one.bmp")) as source, av.open(str(path), "w") as out:
        frame = next(source.decode(video=0))
        stream = out.add_stream("rawvideo", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for number in range(8):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with VideoReader(path) as reader:
        assert reader.info.pixel_format == "pal8"
        shown = [frame.pixels.max() for frame in (reader.frame(6), reader.frame(1), reader.frame(7))]
    assert shown == [pytest.approx(250 / 255)] * 3
