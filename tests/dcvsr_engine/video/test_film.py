"""EXR and DPX come in and go out, by Debian's ffmpeg's judgement."""

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import write_exr

from dcvsr_engine.video.color import resolve_color
from dcvsr_engine.video.colorimetry import to_linear
from dcvsr_engine.video.film import display_parts, light_of_display, multiplied, unmultiplied
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader
from dcvsr_engine.video.thumbnail import small_picture

SIZE = WIDTH, HEIGHT = 64, 48
SRGB = resolve_color((2, 0, 2, 2), *SIZE, rgb=True, picture=True, full=True)
BRIGHT, BELOW, HALF_STEP = 40.0, -0.25, 2**-10


def light(frame: int) -> np.ndarray:
    """A ramp of light with a lamp in it, and with a colour that no display shows: ``(height, width, 3)``."""
    ramp = np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None] * np.array([1, 0.5, 0.25], np.float32)
    pixels = np.repeat(ramp, HEIGHT, 0)
    pixels[8 * frame + 4, 10:20], pixels[40, 30:40, 2] = BRIGHT, BELOW
    return pixels


@pytest.fixture
def exrs(tmp_path: Path) -> Path:
    """A folder of three EXRs, numbered from 1001."""
    folder = tmp_path / "exrs"
    folder.mkdir()
    for frame in range(3):
        write_exr(folder / f"name.{1001 + frame}.exr", light(frame))
    return folder


def decoded(path: Path, layout: str) -> np.ndarray:
    """The planes of a picture as ffmpeg decodes it, ``(planes, height, width)``."""
    command = ["ffmpeg", "-v", "error", "-i", f"file:{path}", "-f", "rawvideo", "-pix_fmt", layout, "-"]
    raw = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout
    return np.frombuffer(raw, "<f4" if "f32" in layout else "<u2").reshape(-1, HEIGHT, WIDTH)


def test_light_is_parted_and_put_together_again() -> None:
    shown, excess = display_parts(light(0))
    assert shown.min() >= 0 and shown.max() <= 1 and excess is not None
    assert abs(light_of_display(shown, SRGB, excess) - light(0)).max() < 1e-5
    assert display_parts(np.full((2, 2, 3), 0.5, np.float32))[1] is None
    assert np.isfinite(display_parts(np.array([[[np.nan, np.inf, -np.inf]]], np.float32))[0]).all()


def test_opacity_is_taken_out_and_put_in_again() -> None:
    alpha = np.array([[1, 0.5, 0.1]], np.float32)
    stored = multiplied(np.full((1, 3, 3), 0.4, np.float32), alpha)
    assert abs(to_linear("iec61966-2-1")(unmultiplied(display_parts(stored)[0], alpha)) - 0.4).max() < 1e-4


def test_exr_keeps_light_above_white_and_below_black(exrs: Path, tmp_path: Path, restore: Any, ffprobe: Any) -> None:
    notes = restore(exrs, tmp_path / "out", picture_name="shot.%04d").notes
    assert [note for note in notes if "values above 1 (brighter than white) and below 0 are enlarged linearly beside it" in note]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"shot.{1001 + frame}.exr" for frame in range(3)]
    for frame in range(3):
        path = tmp_path / "out" / f"shot.{1001 + frame}.exr"
        video = ffprobe(path).video
        assert (video["codec_name"], video["pix_fmt"], video["width"]) == ("exr", "gbrpf32le", WIDTH)
        green, blue, red = decoded(path, "gbrpf32le")
        # in shares of what is brighter than white
        error = abs(np.stack([red, green, blue], -1) - light(frame)) / np.maximum(light(frame), 1)
        assert error.max() < HALF_STEP


def test_exr_says_its_frame_rate(exrs: Path) -> None:
    info = probe(exrs / "name.%04d.exr")
    assert (info.frames, info.frame_rate, info.time_base, info.duration) == (3, 24, Fraction(1, 24), 0.125)


def test_what_is_shown_is_srgb_and_the_rest_is_told(exrs: Path, tmp_path: Path, restore: Any) -> None:
    notes = restore(exrs, tmp_path / "out", codec="png").notes
    assert [note for note in notes if "below 0 are clipped. EXR keeps them" in note]
    _, blue, _ = decoded(tmp_path / "out" / "001001.png", "gbrp16le") / 65535
    assert abs(to_linear("iec61966-2-1")(blue) - np.clip(light(0)[..., 2], 0, 1)).max() < 1e-4


def test_the_small_picture_is_as_bright_as_what_is_shown(exrs: Path) -> None:
    info = probe(exrs)
    picture = small_picture(info, SIZE)
    with VideoReader(info) as reader:
        shown = reader.frame(0).pixels
    assert picture is not None and abs(picture / 255 - shown).mean() < 0.01 and shown.mean() > 0.5


def test_video_becomes_exr(ffmpeg: Any, tmp_path: Path, restore: Any) -> None:
    clip = ffmpeg("clip.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp", frames=2)
    restore(clip, tmp_path / "out", codec="exr")
    with VideoReader(clip) as before, VideoReader(tmp_path / "out") as after:
        assert after.info.codec == "exr" and after.info.alpha is False
        for mine, theirs in zip(after, before, strict=True):
            assert abs(mine.pixels - theirs.pixels).max() < 1e-3


def test_exr_keeps_its_alpha_and_multiplies_that_of_others(tmp_path: Path, restore: Any, ffmpeg: Any) -> None:
    folder, alpha = tmp_path / "mattes", np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))
    folder.mkdir()
    for frame in range(2):
        write_exr(folder / f"{frame}.exr", multiplied(np.full((HEIGHT, WIDTH, 3), 0.4, np.float32), alpha), alpha)
    assert [note for note in restore(folder, tmp_path / "out").notes if "Transparency is kept" in note]
    green, _, _, matte = decoded(tmp_path / "out" / "000000.exr", "gbrapf32le")
    assert abs(matte - alpha).max() < HALF_STEP and abs(green - 0.4 * alpha).max() < HALF_STEP
    restore(tmp_path / "out", tmp_path / "straight", codec="png")
    restore(tmp_path / "straight", tmp_path / "again", codec="exr")
    straight = decoded(tmp_path / "straight" / "000000.png", "gbrap16le") / 65535
    again = decoded(tmp_path / "again" / "000000.exr", "gbrapf32le")
    assert abs(to_linear("iec61966-2-1")(straight[0][:, 4:]) - 0.4).max() < 0.01
    assert abs(again[0] - 0.4 * alpha).max() < 2 * HALF_STEP


@pytest.mark.parametrize("depth", ["gbrp10le", "gbrp12le", "rgb48be", "rgb24"])
def test_dpx_keeps_its_codes_and_its_colours(depth: str, tmp_path: Path, restore: Any, ffmpeg: Any, ffprobe: Any) -> None:
    before, after = tmp_path / "scan" / "f.0086.dpx", tmp_path / "out" / "000086.dpx"
    before.parent.mkdir()
    ffmpeg.run("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24", "-frames:v", "1", "-pix_fmt", depth, str(before))
    written = before.read_bytes()
    before.write_bytes(written[:801] + b"\x03\x01" + written[803:])
    notes = restore(before.parent, after.parent).notes
    assert [note for note in notes if "film densities (logarithmic), which are restored as they are" in note]
    assert ffprobe(after).video["pix_fmt"] == depth and ffmpeg.hashes(before) == ffmpeg.hashes(after)
    assert after.read_bytes()[801:803] == b"\x03\x01"


def test_dpx_of_a_video_says_video(ffmpeg: Any, tmp_path: Path, restore: Any) -> None:
    restore(ffmpeg("clip.mp4", "-pix_fmt", "yuv420p", frames=2), tmp_path / "out", codec="dpx", bit_depth=10)
    assert (tmp_path / "out" / "000000.dpx").read_bytes()[801:803] == b"\x06\x06"
