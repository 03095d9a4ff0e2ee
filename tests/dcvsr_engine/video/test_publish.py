"""Outputs, read by Debian's ffprobe: frames, times, tags and tracks as in the input."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import BT601, GOLDEN, HDR10, TRACKS, VFR_PTS, Clip, bars, codes, golden, number_of, numbered, write_clip

from dcvsr_engine.errors import OutputError
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.publish import publish
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import VideoWriter, check_target

Probe = Callable[[Path], Any]
Restore = Callable[..., Any]

TAGS = ("color_space", "color_range", "color_primaries", "color_transfer")


def numbers(path: Path) -> list[int]:
    """The numbers in the frames of a result."""
    with VideoReader(path) as reader:
        return [number_of(frame.pixels) for frame in reader]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_clips_come_out_as_they_went_in(name: str, suffix: str, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = golden(name, tmp_path)
    info = probe(source)
    with VideoReader(info) as reader:
        times = [frame.pts - info.start_pts for frame in reader]
    target = tmp_path / f"out {name}{suffix}"
    published = restore(source, target, scale=2, crf=4)
    facts = ffprobe(target)
    video = facts.video
    tick = Fraction(video["time_base"])

    assert published.frames == len(facts.frames) == len(times)
    if suffix == ".mkv":
        assert all(abs(a * tick - b * info.time_base) <= Fraction(1, 2000) for a, b in zip(facts.pts, times, strict=True))
    else:
        assert [pts * tick for pts in facts.pts] == [pts * info.time_base for pts in times]
        assert tick == info.time_base
    assert (video["width"], video["height"]) == (2 * info.width, 2 * info.height)
    color = info.color
    assert [video.get(tag) for tag in TAGS] == [color.matrix, color.range, color.primaries, color.transfer]
    assert video["codec_name"] == ("h264" if info.bit_depth == 8 else "hevc")
    assert video["pix_fmt"] in ({8: ("yuv420p", "yuvj420p"), 10: ("yuv420p10le",)}[info.bit_depth])
    assert not any("Display Matrix" in side.get("side_data_type", "") for side in video.get("side_data_list", []))
    if info.variable_frame_rate is False and len(times) > 2:
        assert Fraction(video["avg_frame_rate"]) == 25
    if GOLDEN[name][1].rotation is None:
        assert numbers(target) == list(range(len(times)))
    kinds = {kind: len(facts.of(kind)) for kind in ("audio", "subtitle")}
    held = suffix == ".mkv" or not info.subtitles
    assert kinds == {"audio": len(info.audio), "subtitle": len(info.subtitles)}
    assert held or all("is converted to mov_text" in note for note in published.notes)
    assert [c["tags"]["title"] for c in facts.chapters] == [c.title for c in info.chapters]
    rounded = suffix == ".mkv" and info.variable_frame_rate
    assert len(published.notes) == (not held) + bool(rounded)


def test_tracks_in_full(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    clip = replace(TRACKS, attachments=(("font.ttf", "font/ttf", b"not quite a font"),))
    source = write_clip(tmp_path / "tracks.mkv", clip)
    restore(source, tmp_path / "out.mkv")
    before, after = ffprobe(source), ffprobe(tmp_path / "out.mkv")
    assert after.format["tags"]["title"] == "Zwei Spuren"
    for kind in ("audio", "subtitle"):
        for old, new in zip(before.of(kind), after.of(kind), strict=True):
            assert new["codec_name"] == old["codec_name"] and new["disposition"] == old["disposition"]
            assert {k: v for k, v in new["tags"].items() if k in ("language", "title")} == {
                k: v for k, v in old["tags"].items() if k in ("language", "title")
            }
    (font,) = after.of("attachment")
    assert font["tags"]["filename"] == "font.ttf" and font["tags"]["mimetype"] == "font/ttf"
    assert [(c["start_time"], c["end_time"]) for c in after.chapters] == [("0.000000", "1.000000"), ("1.000000", "2.000000")]
    assert payload(source, "subtitle") == payload(tmp_path / "out.mkv", "subtitle")
    assert payload(source, "audio") == payload(tmp_path / "out.mkv", "audio")


def test_tracks_from_mp4_to_mp4(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = write_clip(tmp_path / "tracks.mp4", TRACKS)
    assert restore(source, tmp_path / "out.mp4").notes == ()
    before, after = probe(source), probe(tmp_path / "out.mp4")
    assert (after.audio, after.subtitles, after.chapters) == (before.audio, before.subtitles, before.chapters)
    assert [track.title for track in after.audio] == ["Original", "Doublage"]
    (note,) = restore(source, tmp_path / "out.mkv").notes
    assert "subtitle track 3 (mov_text) is converted to subrip" in note
    (note,) = restore(source, tmp_path / "dropped.mkv", unfit_tracks="drop").notes
    assert "subtitle track 3 (mov_text) is left out" in note and ".mp4 or .mov can" in note


def payload(path: Path, kind: str) -> list[list[tuple[float, bytes]]]:
    """(seconds, bytes) of all packets of the streams of a kind."""
    found = []
    with av.open(str(path)) as container:
        count = len([s for s in container.streams if s.type == kind])
    for number in range(count):
        with av.open(str(path)) as container:
            stream = [s for s in container.streams if s.type == kind][number]
            found.append([(round(float(p.pts * p.time_base), 3), bytes(p)) for p in container.demux(stream) if p.size])
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("audio_codec", ["aac", "flac", "libopus"])
def test_audio_keeps_its_offset_to_the_sample(
    suffix: str, audio_codec: str, tmp_path: Path, restore: Restore, ffprobe: Probe
) -> None:
    clip = Clip(pts=range(20, 45), audio=(("eng", ""),), audio_codec=audio_codec, audio_start=Fraction(1, 10))
    source = write_clip(tmp_path / "late.mkv", clip)
    published = restore(source, tmp_path / f"out{suffix}")
    before, after = ffprobe(source), ffprobe(tmp_path / f"out{suffix}")
    converted = suffix == ".mov" and {"flac": "alac", "libopus": "aac"}.get(audio_codec)
    assert after.of("audio")[0]["codec_name"] == (converted or before.of("audio")[0]["codec_name"])
    assert [converted.upper() in note for note in published.notes] == [True] if converted else published.notes == ()

    def offset(facts: Any) -> float:
        return float(facts.of("audio")[0]["start_time"]) - float(facts.video["start_time"])

    priming = 1024 / 48000 if converted == "aac" else 0  # the encoder's, which ffprobe counts
    assert offset(after) == pytest.approx(offset(before) - priming, abs=0.01 if converted else 0.001)
    assert float(after.video["start_time"]) == pytest.approx(0, abs=0.001)
    if converted == "aac":
        return
    (old_start, old), (new_start, new) = tone(source), tone(tmp_path / f"out{suffix}")
    middle = new[24000:28800]
    place = next(k for k in range(22000, 27000) if np.array_equal(old[k : k + 4800], middle))
    assert new_start + 24000 / 48000 == pytest.approx(old_start - 0.8 + place / 48000, abs=0.001)
    assert np.array_equal(old[place:48000], new[24000 : 24000 + len(old[place:48000])])


def tone(path: Path) -> tuple[float, np.ndarray]:
    """(start in seconds, samples) of the audio of a file as decoded, which may begin with silence that warms the decoder up."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return float(frames[0].pts * frames[0].time_base), np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_range_takes_its_part_of_the_other_tracks(suffix: str, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    text = ".mkv" if suffix == ".mkv" else ".mp4"
    source = write_clip(tmp_path / f"tracks{text}", TRACKS)
    target = tmp_path / f"out{suffix}"
    restore(source, target, frames=(10, 39))
    facts = ffprobe(target)
    assert numbers(target) == list(range(10, 40))
    assert float(facts.video["start_time"]) == 0
    assert float(facts.format["duration"]) == pytest.approx(1.2, abs=0.05)
    assert [(float(c["start_time"]), float(c["end_time"])) for c in facts.chapters] == [(0, 0.6), (0.6, 1.2)]
    cues = payload(target, "subtitle")[0]
    assert [start for start, data in cues if len(data) > 2] == [0.0, 0.7]
    (before, _), (after, _) = payload(source, "audio"), payload(target, "audio")
    kept = [(round(start - 0.4, 3), data) for start, data in before if 0.4 <= start < 1.6]
    assert [data for _, data in after] == [data for _, data in kept]
    assert all(abs(a - b) <= 0.001 for (a, _), (b, _) in zip(after, kept, strict=True))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_variable_frame_rate_with_an_offset(suffix: str, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    exact = {"movie_timescale": "90000", "video_track_timescale": "90000"}
    source = write_clip(
        tmp_path / "vfr.mp4",
        Clip(pts=VFR_PTS, time_base=Fraction(1, 90000), rate=Fraction(60), container_options=exact),
    )
    restore(source, tmp_path / f"out{suffix}", cut=3)
    facts = ffprobe(tmp_path / f"out{suffix}")
    if suffix == ".mkv":
        assert facts.pts == [round((pts - VFR_PTS[0]) / 90) for pts in VFR_PTS]
    else:
        assert facts.pts == [pts - VFR_PTS[0] for pts in VFR_PTS]
    assert numbers(tmp_path / f"out{suffix}") == list(range(10))


CODECS = {
    "h264": (".mp4", "h264", "yuv420p"),
    "h265": (".mp4", "hevc", "yuv420p"),
    "av1": (".mp4", "av1", "yuv420p"),
    "ffv1": (".mkv", "ffv1", "yuv444p"),
    "prores": (".mov", "prores", "yuv422p10le"),
}


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("codec", CODECS)
def test_codecs(codec: str, depth: int, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    suffix, name, pixel_format = CODECS[codec]
    source = write_clip(tmp_path / "in.mkv", Clip(pts=range(12), pixel_format="yuv420p10le", aspect=Fraction(4, 3), color=BT601))
    target = tmp_path / f"out{suffix}"
    restore(source, target, codec=codec, bit_depth=depth, preset="veryfast")
    facts = ffprobe(target)
    video = facts.video
    deep = pixel_format if depth == 8 or pixel_format.endswith("le") else f"{pixel_format}10le"
    assert (video["codec_name"], video["pix_fmt"]) == (name, deep)
    assert (facts.frames[0] if codec == "ffv1" else video)["sample_aspect_ratio"] == "4:3"
    assert [video.get(tag) for tag in TAGS] == ["smpte170m", "tv", "smpte170m", "smpte170m"]
    assert numbers(target) == list(range(12))
    assert codec != "h265" or video["codec_tag_string"] == "hvc1"


@pytest.mark.parametrize(("codec", "suffix"), [("h265", ".mp4"), ("h265", ".mkv"), ("av1", ".mp4"), ("h264", ".mp4")])
def test_hdr10_side_data(codec: str, suffix: str, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = golden("hdr", tmp_path)
    restore(source, tmp_path / f"out{suffix}", codec=codec)
    facts = ffprobe(tmp_path / f"out{suffix}")
    assert [facts.video[tag] for tag in TAGS] == ["bt2020nc", "tv", "bt2020", "smpte2084"]
    color, expected = probe(tmp_path / f"out{suffix}").color, probe(source).color
    assert color.mastering is not None and color.light == expected.light
    assert codec == "av1" or color == expected  # AV1 has its own fixed-point numbers
    if codec == "h264":
        return  # Debian's ffprobe does not know this H.264 message yet
    sides = {side["side_data_type"]: side for side in facts.frames[0]["side_data_list"]}
    display = sides["Mastering display metadata"]
    light = sides["Content light level metadata"]
    assert float(Fraction(display["red_x"])) == pytest.approx(0.68, abs=1e-4)
    assert float(Fraction(display["green_y"])) == pytest.approx(0.69, abs=1e-4)
    assert float(Fraction(display["white_point_x"])) == pytest.approx(0.3127, abs=1e-4)
    assert float(Fraction(display["max_luminance"])) == pytest.approx(1000, abs=0.1)
    assert float(Fraction(display["min_luminance"])) == pytest.approx(0.0001, abs=1e-4)
    assert (light["max_content"], light["max_average"]) == (1000, 400)


def test_hlg_stays_hlg(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    clip = Clip(codec="ffv1", pixel_format="yuv420p10le", color=(9, 1, 9, 18))
    restore(write_clip(tmp_path / "hlg.mkv", clip), tmp_path / "out.mp4")
    assert [ffprobe(tmp_path / "out.mp4").video[tag] for tag in TAGS] == ["bt2020nc", "tv", "bt2020", "arib-std-b67"]


def test_untagged_video_is_tagged_as_it_was_understood(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    """Players take untagged SD for BT.601 and untagged HD for BT.709: enlarged SD must say what it is."""
    small = write_clip(tmp_path / "sd.mkv", Clip(pts=range(2), tagged=False, codec="ffv1"))
    large = write_clip(tmp_path / "hd.mkv", Clip(pts=range(2), tagged=False, codec="ffv1", width=1280, height=16))
    for source, matrix in ((small, "smpte170m"), (large, "bt709")):
        restore(source, tmp_path / f"{source.stem}.mp4")
        video = ffprobe(tmp_path / f"{source.stem}.mp4").video
        assert [video[tag] for tag in TAGS] == [matrix, "tv", matrix, matrix]


@pytest.mark.parametrize("color", [(1, 1, 1, 1), (1, 2, 1, 1), (6, 1, 6, 6), (5, 2, 1, 1), (9, 1, 9, 16), HDR10])
@pytest.mark.parametrize(("depth", "codec"), [(8, "ffv1"), (10, "ffv1"), (8, "h264"), (10, "h265")])
def test_colour_bars_round_trip(
    color: tuple[int, int, int, int], depth: int, codec: str, tmp_path: Path, restore: Restore
) -> None:
    """Bars, in and out, decoded without our own conversion: the same code values, to one."""
    source_format = "yuv420p" if depth == 8 else "yuv420p10le"
    clip = Clip(pts=range(2), codec="ffv1", pixel_format=source_format, color=color, picture=bars, width=256)
    source = write_clip(tmp_path / "bars.mkv", clip)
    target = tmp_path / ("out.mkv" if codec == "ffv1" else "out.mp4")
    restore(source, target, codec=codec, crf=0)
    expected = codes(bars(0, 256, 48), color, depth)
    with av.open(str(target)) as container:
        for frame in container.decode(video=0):
            assert frame.format.components[0].bits == depth
            for plane, values in zip(frame.planes, expected, strict=True):
                kind = "u1" if depth == 8 else "<u2"
                found = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width].astype(float)
                middles = (np.arange(8) + 0.5) / 8
                error = found[:, (middles * plane.width).astype(int)] - values[0, (middles * 256).astype(int)]
                assert np.abs(error).max() <= 1


def test_odd_sizes_keep_every_pixel(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    clip = Clip(pts=range(4), width=67, height=49, codec="ffv1", pixel_format="yuv444p")
    source = write_clip(tmp_path / "odd.mkv", clip)
    for codec, suffix in (("h264", ".mp4"), ("h265", ".mp4"), ("av1", ".mp4"), ("prores", ".mov"), ("ffv1", ".mkv")):
        target = tmp_path / f"{codec}{suffix}"
        notes = restore(source, target, codec=codec, crf=2).notes
        assert any("odd size" in note for note in notes) == (codec in ("h264", "h265"))
        video = ffprobe(target).video
        assert (video["width"], video["height"]) == (67, 49)
        with VideoReader(target) as reader:
            error = np.abs(reader.frame(3).pixels - numbered(3, 67, 49))[10:]
        assert error.mean() < 0.02 and error[:, -1].mean() < 0.06 and error[-1].mean() < 0.06


@pytest.mark.parametrize("size", [(16, 16), (34, 40), (40, 33), (48, 64)])
def test_small_frames_in_h265(size: tuple[int, int], tmp_path: Path, restore: Restore) -> None:
    source = write_clip(
        tmp_path / "small.mkv", Clip(pts=range(6), width=size[0], height=size[1], codec="ffv1", pixel_format="yuv444p")
    )
    assert restore(source, tmp_path / "out.mp4", codec="h265").frames == 6


@pytest.mark.parametrize(("codec", "depth"), [("png", 8), ("png", 16), ("tiff", 8), ("tiff", 16)])
def test_picture_folders(codec: str, depth: int, tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(pts=range(6), codec="ffv1", pixel_format="yuv420p10le"))
    target = tmp_path / "pictures"
    published = restore(source, target, codec=codec, bit_depth=depth, frames=(1, 4), cut=3)
    assert published.frames == 4
    assert sorted(p.name for p in target.iterdir()) == [f"{n:06d}.{codec}" for n in range(1, 5)]
    deep = "rgb24" if depth == 8 else "rgb48be" if codec == "png" else "rgb48le"
    assert ffprobe(target / f"000003.{codec}").video["pix_fmt"] == deep
    with VideoReader(source) as reader, VideoReader(target) as result:
        assert np.abs(reader.frame(3).pixels - result.frame(2).pixels).max() <= 0.5 / (2**depth - 1) + 1e-6


def test_segments_are_joined_bit_by_bit(tmp_path: Path) -> None:
    """What a segment decodes to is what the published file decodes to, whatever the number of segments."""
    source = write_clip(tmp_path / "in.mkv", Clip(pts=range(24), codec="ffv1"))
    info = probe(source)
    for codec in ("h264", "h265", "av1", "ffv1"):
        target = tmp_path / f"out {codec}.mkv"
        settings = check_target(target, info, OutputSettings(codec=codec, preset="veryfast"))
        segments = []
        with VideoReader(info) as reader:
            for begin, end in ((0, 0), (1, 10), (11, 13), (14, 23)):
                segments.append(tmp_path / f"{codec} {begin}.nut")
                with VideoWriter(segments[-1], info, 64, 48, settings) as writer:
                    for frame in reader.frames(begin, end):
                        writer.write(frame.pixels, frame.pts, frame.duration)
        publish(segments, target, info, settings)
        apart = [planes for segment in segments for planes in raw(segment)]
        assert raw(target) == apart and len(apart) == 24
        assert numbers(target) == list(range(24))


def raw(path: Path) -> list[bytes]:
    """The decoded planes of every frame."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def test_segments_out_of_order_are_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(codec="ffv1"))
    info = probe(source)
    settings = check_target(tmp_path / "out.mp4", info, OutputSettings())
    segments = []
    with VideoReader(info) as reader:
        for begin, end in ((4, 7), (0, 3)):
            segments.append(tmp_path / f"{begin}.nut")
            with VideoWriter(segments[-1], info, 64, 48, settings) as writer:
                for frame in reader.frames(begin, end):
                    writer.write(frame.pixels, frame.pts)
    with pytest.raises(OutputError, match="begins before"):
        publish(segments, tmp_path / "out.mp4", info, settings)
    assert not list(tmp_path.glob("*out*"))


def test_segments_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(codec="ffv1"))
    info = probe(source)
    frames = list(VideoReader(info))
    for number, crf, codec in ((0, 16, "h264"), (1, 40, "ffv1"), (2, 16, "h264")):
        size = 2 if number == 2 else 1
        with VideoWriter(
            tmp_path / f"{number}.nut", info, 64 * size, 48, OutputSettings(codec=codec, crf=crf, bit_depth=8)
        ) as writer:
            for frame in frames[4 * (number > 0) : 4 + 4 * (number > 0)]:
                writer.write(np.repeat(frame.pixels, size, 1), frame.pts)
    for second, words in ((1, "other settings"), (2, "other settings")):
        with pytest.raises(OutputError, match=words):
            publish([tmp_path / "0.nut", tmp_path / f"{second}.nut"], tmp_path / "out.mkv", info, OutputSettings())
    with pytest.raises(OutputError, match=r"hold h264, not PNG"):
        publish([tmp_path / "0.nut"], tmp_path / "out", info, OutputSettings())
    assert not list(tmp_path.glob("*out*"))


def test_publishing_can_be_stopped(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", TRACKS)
    info = probe(source)
    with (
        VideoReader(info) as reader,
        VideoWriter(tmp_path / "a.nut", info, 64, 48, OutputSettings(codec="h264", bit_depth=8)) as writer,
    ):
        for frame in reader:
            writer.write(frame.pixels, frame.pts)
    calls = iter(range(20))
    with pytest.raises(StopIteration):
        publish([tmp_path / "a.nut"], tmp_path / "out.mp4", info, OutputSettings(), check=lambda: next(calls) and None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nut", "in.mkv"]


def test_fast_recordings(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = write_clip(
        tmp_path / "slow motion.mp4", Clip(pts=range(0, 800, 100), time_base=Fraction(1, 96000), rate=Fraction(960))
    )
    for codec in ("h264", "av1"):
        restore(source, tmp_path / f"{codec}.mp4", codec=codec)
        assert ffprobe(tmp_path / f"{codec}.mp4").video["avg_frame_rate"] == "960/1"


def test_decoding_order_never_runs_ahead(tmp_path: Path, restore: Restore) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(pts=range(40), codec="ffv1"))
    restore(source, tmp_path / "out.mp4", cut=17)
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [(p.dts, p.pts) for p in container.demux(video=0) if p.size]
    assert all(a < b for (a, _), (b, _) in pairwise(packets)) and all(dts <= pts for dts, pts in packets)


def test_times_before_zero_are_moved_together(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    path = tmp_path / "early.mkv"
    write_clip(
        path,
        Clip(
            pts=range(-5, 10),
            audio=(("eng", ""),),
            audio_codec="flac",
            codec="mjpeg",
            pixel_format="yuvj420p",
            color=(5, 2, 1, 1),
            container_options={"avoid_negative_ts": "disabled"},
        ),
    )
    info = probe(path)
    if info.start_pts >= 0:
        pytest.skip("this FFmpeg moves the times itself")
    restore(path, tmp_path / "out.mp4")
    before, after = ffprobe(path), ffprobe(tmp_path / "out.mp4")
    offsets = [float(f.of("audio")[0]["start_time"]) - float(f.video["start_time"]) for f in (before, after)]
    assert offsets[0] == pytest.approx(offsets[1], abs=0.001)
    assert len(after.frames) == 15


def test_ntsc_time_base(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = write_clip(
        tmp_path / "ntsc.avi",
        Clip(
            codec="mjpeg",
            pixel_format="yuvj420p",
            color=(5, 2, 1, 1),
            time_base=Fraction(1001, 30000),
            rate=Fraction(30000, 1001),
        ),
    )
    restore(source, tmp_path / "out.mp4")
    facts = ffprobe(tmp_path / "out.mp4")
    assert facts.video["avg_frame_rate"] == "30000/1001"
    assert [pts * Fraction(facts.video["time_base"]) for pts in facts.pts] == [n * Fraction(1001, 30000) for n in range(8)]


def test_cover_pictures_travel(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    plain = write_clip(tmp_path / "plain.mp4", Clip())
    source = tmp_path / "covered.mp4"
    with av.open(str(plain)) as container, av.open(str(source), "w") as out:
        video = out.add_stream_from_template(container.streams.video[0])
        cover = out.add_stream("mjpeg", 1)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 32, 32, "yuvj420p", 1 << 10
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        out.mux(cover.encode(av.VideoFrame(32, 32, "yuvj420p")))
    info = probe(source)
    assert (info.width, info.codec) == (64, "h264")
    for suffix in (".mp4", ".mkv"):
        assert restore(source, tmp_path / f"out{suffix}").notes == ()
        pictures = [s for s in ffprobe(tmp_path / f"out{suffix}").of("video") if s["disposition"]["attached_pic"]]
        assert [(s["codec_name"], s["width"]) for s in pictures] == [("mjpeg", 32)]


def test_without_other_tracks(tmp_path: Path, restore: Restore, ffprobe: Probe) -> None:
    source = write_clip(tmp_path / "tracks.mkv", TRACKS)
    restore(source, tmp_path / "out.mkv", audio=False, subtitles=False)
    facts = ffprobe(tmp_path / "out.mkv")
    assert [s["codec_type"] for s in facts.streams] == ["video"] and facts.chapters == []


def test_long_names(tmp_path: Path, restore: Restore) -> None:
    source = write_clip(tmp_path / ("ü" * 120 + ".mp4"), Clip(pts=range(2)))
    folder = tmp_path.joinpath(*["d" * 200] * 6)
    folder.mkdir(parents=True)
    shutil.copy(source, folder / "in.mp4")
    for place in (source, folder / "in.mp4"):
        target = place.with_name("ö" * 120 + ".mp4")
        assert restore(place, target).frames == 2 and target.exists()


@pytest.mark.parametrize("width", [240, 256])
def test_h264_is_encoded_alike_every_time(width: int, tmp_path: Path) -> None:
    sample = resource("clips", "sample.mp4")
    info, streams = probe(sample), set()
    with av.open(str(sample)) as container:
        decoded = [frame for frame, _ in zip(container.decode(video=0), range(12), strict=False)]
    pictures = [frame.to_ndarray(width=width, height=80, format="rgb24").astype(np.float32) / 255 for frame in decoded]
    for number in range(6):
        path = tmp_path / f"{number}.nut"
        with VideoWriter(path, info, width, 80, OutputSettings(codec="h264", bit_depth=8)) as writer:
            for index, picture in enumerate(pictures):
                writer.write(picture, index)
        with av.open(str(path)) as container:
            streams.add(b"".join(bytes(packet) for packet in container.demux(video=0)))
    assert len(streams) == 1
    assert ("mbtree" in str(writer.encoding.options)) == (width == 240)
