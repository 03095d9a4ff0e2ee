"""What an output cannot keep of its input is said before any work, in the words of the report."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.sidedata.sidedata import Type
from clips import GOLDEN, TRACKS, Clip, write_clip
from PIL import Image

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import GPU_CODECS, OutputSettings
from dcvsr_engine.video.encoders import fallback_notes, missing_codecs
from dcvsr_engine.video.hdr import dynamic_of
from dcvsr_engine.video.losses import losses_ahead
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.writer import check_target


def predicted(source: Path, target: Path, **output: Any) -> tuple[str, ...]:
    """What is losses_ahead for a clip in its own size."""
    with VideoReader(source) as reader:
        info = reader.counted_info()
    return losses_ahead(target, info, info.width, info.height, check_target(target, info, OutputSettings(**output)))


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov", "pictures"])
def test_tracks_that_do_not_fit_are_told_before_and_after(name: str, tmp_path: Path, restore: Any) -> None:
    clip = replace(TRACKS, pts=range(10), attachments=(("font.ttf", "font/ttf", b"not quite a font"),))
    source, target = write_clip(tmp_path / "tracks.mkv", clip), tmp_path / name
    before = predicted(source, target)
    assert before == restore(source, target).notes
    if name == "pictures":
        assert before == ("Audio and subtitles are left out: pictures have none; .mp4, .mov or .mkv do.",)
    else:
        assert [word for word in ("subtitle", "attachment") if any(f"The {word}" in note for note in before)] == (
            [] if name == "out.mkv" else ["subtitle", "attachment"]
        )
        assert any("converted to mov_text" in note for note in before) == (name != "out.mkv")


def test_times_that_are_rounded_are_told(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "vfr.mp4", GOLDEN["vfr"][1])
    assert any(".mkv knows no finer ones, .mp4 and .mov do" in note for note in predicted(source, tmp_path / "out.mkv"))
    assert not predicted(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("codec", ["prores", "h265"])
def test_a_long_frame_on_a_fine_clock_is_rounded_and_told(codec: str, tmp_path: Path, restore: Any, ffprobe: Any) -> None:
    nano, pts = Fraction(1, 10**9), [0, 40_000_001, 80_000_000, 4_080_000_000, 4_120_000_000]
    source = write_clip(tmp_path / "nano.nut", Clip(pts=pts, time_base=nano, codec="ffv1"))
    target = tmp_path / "out.mov"
    before = predicted(source, target, codec=codec)
    assert before == restore(source, target, codec=codec).notes
    assert any("rounded to 1/90000 s" in note for note in before)
    facts = ffprobe(target)
    tick = Fraction(facts.video["time_base"])
    assert [abs(time * tick - wanted * nano) <= Fraction(1, 90000) for time, wanted in zip(facts.pts, pts, strict=True)] == [
        True
    ] * 5


@pytest.mark.parametrize(("name", "codec"), [("out.mp4", "h264"), ("out.mov", "prores"), ("out.mkv", "prores"), ("out", "tiff")])
def test_a_frame_of_days_is_refused_where_it_cannot_be_said(name: str, codec: str, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "days.nut", Clip(pts=[0, 40, 2**32], time_base=Fraction(1, 1000), codec="ffv1"))
    with pytest.raises(
        OutputError, match=r"is shown for 1,193 hours, longer than MP4 and MOV files can store; name the output \.mkv"
    ):
        predicted(source, tmp_path / name, codec=codec)


def test_a_frame_of_days_is_kept_in_mkv(tmp_path: Path, restore: Any, ffprobe: Any) -> None:
    source = write_clip(tmp_path / "days.nut", Clip(pts=[0, 40, 2**32], time_base=Fraction(1, 1000), codec="ffv1"))
    restore(source, tmp_path / "out.mkv")
    assert ffprobe(tmp_path / "out.mkv").pts == [0, 40, 2**32]


def with_hdr10_plus(path: Path) -> Path:
    """A raw H.265 stream with an HDR10+ message (SMPTE ST 2094-40, CTA-861-H annex S) before every picture."""
    write_clip(path, replace(GOLDEN["hdr"][1], pts=range(2)))
    fields = [(1, 2), (1000, 27), (0, 1), *[(1, 17)] * 4, (0, 4), (0, 10), (0, 3)]
    text = "".join(format(value, f"0{bits}b") for value, bits in fields)
    body = bytes.fromhex("b5003c00010401") + int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8))
    message = bytes([39 << 1, 1, 4, len(body)]) + re.sub(b"\0\0(?=[\0-\3])", b"\0\0\3", body) + b"\x80"
    units = re.split(b"\0\0\0?\1", path.read_bytes())[1:]
    path.write_bytes(b"".join(b"\0\0\1" + (message + b"\0\0\1" if unit[0] >> 1 & 63 < 32 else b"") + unit for unit in units))
    return path


def test_hdr10_plus_is_told(tmp_path: Path) -> None:
    info = probe(with_hdr10_plus(tmp_path / "plus.hevc"))
    assert info.color.dynamic == ("hdr10+",) and info.color.mastering
    [note] = losses_ahead(tmp_path / "out.mp4", info, info.width, info.height, OutputSettings(codec="h265", bit_depth=10))
    assert note.startswith("The HDR10+ data") and note.endswith("is left out.")


def test_dolby_vision_is_told(tmp_path: Path) -> None:
    class Data(bytes):
        type = Type.DOVI_METADATA

    class Frame:
        side_data = (Data(b"rpu"),)

    source = write_clip(tmp_path / "hdr.mp4", GOLDEN["hdr"][1])
    info = probe(source)
    assert info.color.dynamic == () and dynamic_of(Frame()) == ("dolby-vision",)  # type: ignore[arg-type]
    info = replace(info, color=replace(info.color, dynamic=dynamic_of(Frame())))  # type: ignore[arg-type]
    [note] = losses_ahead(tmp_path / "out.mp4", info, info.width, info.height, OutputSettings(codec="h265", bit_depth=10))
    assert note.startswith("The Dolby Vision layer")


def test_codecs_of_a_gpu_are_those_that_can_be_written(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mkv", Clip(pts=range(2))))
    missing = missing_codecs()
    for codec in GPU_CODECS:
        asked = OutputSettings(codec=codec)
        resolved = check_target(tmp_path / "out.mp4", info, asked)
        assert (resolved.codec == codec) == (codec not in missing)
        if codec in missing:
            assert resolved.codec == ("h264" if codec.startswith("h264") else "h265")
            [note] = fallback_notes(asked, resolved)
            assert "does not work here, as it needs a" in note and "is encoded by software" in note
    assert fallback_notes(OutputSettings(), OutputSettings(codec="h264")) == []


def with_captions(path: Path) -> Path:
    """Put closed captions (ATSC A/53 part 4) before every picture of an MPEG-2 stream."""
    data, out, last = path.read_bytes(), b"", 0
    for found in re.finditer(b"\0\0\1\xb5", data):
        if data[found.start() + 4] >> 4 == 8:
            at = data.find(b"\0\0\1", found.start() + 4)
            out += data[last:at] + b"\0\0\1\xb2GA94\3\x42\xff\xfc\x94\x2c\xfc\xc8\xe5\xff"
            last = at
    path.write_bytes(out + data[last:])
    return path


def test_closed_captions_are_told(ffmpeg: Any, tmp_path: Path, restore: Any) -> None:
    path = with_captions(ffmpeg("captions.m2v", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", frames=4))
    assert [note for note in predicted(path, tmp_path / "out.mp4") if "closed captions" in note]
    assert restore(path, tmp_path / "out.mp4").notes == predicted(path, tmp_path / "more.mp4")


@pytest.mark.parametrize("name", ["alpha.mov", "alpha.png", "alpha.gif", "palette.png"])
def test_transparency_is_told_where_there_is_some(name: str, ffmpeg: Any, tmp_path: Path) -> None:
    for transparent in (True, False):
        pixels = np.full((48, 64, 4), (200, 100, 50, 255), np.uint8)
        pixels[:, :20, 3] = 0 if transparent else 255
        picture = Image.fromarray(pixels)
        picture.save(tmp_path / "made.png")
        if name == "alpha.mov":
            prores = ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")
            ffmpeg.run("-i", str(tmp_path / "made.png"), *prores, str(tmp_path / name))
        elif name == "palette.png":
            picture.quantize(16, method=Image.Quantize.FASTOCTREE).save(tmp_path / name)
        else:
            picture.save(tmp_path / name)
        notes = [note for note in predicted(tmp_path / name, tmp_path / "out.mkv") if "Transparency" in note]
        assert len(notes) == (transparent or name == "alpha.mov")


def test_what_begins_later_is_told_in_the_report(ffmpeg: Any, tmp_path: Path) -> None:
    first = ffmpeg("first.m2v", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", frames=4).read_bytes()
    later = with_captions(ffmpeg("later.m2v", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", frames=4)).read_bytes()
    path = tmp_path / "joined.m2v"
    path.write_bytes(first + later)
    with VideoReader(path) as reader:
        assert reader.info.extras == () and len(list(reader)) == 8
        assert [warning for warning in reader.warnings if "closed captions" in warning]


def test_gaps_in_picture_numbers_are_told(tmp_path: Path, ffmpeg: Any) -> None:
    for name in ("gaps", "steps", "words"):
        (tmp_path / name).mkdir()
    picture = ffmpeg("one.png", frames=1).read_bytes()
    for number in (1, 2, 5, 6, 8):
        (tmp_path / "gaps" / f"f{number:03}.png").write_bytes(picture)
        (tmp_path / "words" / f"{'abcdefghij'[number]}.png").write_bytes(picture)
    for number in range(0, 2000, 250):
        (tmp_path / "steps" / f"f{number}.png").write_bytes(picture)
    [note] = predicted(tmp_path / "gaps", tmp_path / "out.mp4")
    assert note.startswith("3 numbers are missing") and "(3, 4, 7)" in note
    assert predicted(tmp_path / "steps", tmp_path / "out.mp4") == predicted(tmp_path / "words", tmp_path / "out.mp4") == ()
