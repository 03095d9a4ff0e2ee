"""Transparency is kept where the output can, by Debian's ffmpeg's judgement."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.video import decode
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.reader import VideoReader

FRAMES = 3
LAYOUTS = {
    "prores.mov": ("prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    "animation.mov": ("qtrle", "-pix_fmt", "argb"),
    "planar.mkv": ("ffv1", "-pix_fmt", "yuva420p"),
    "packed.mkv": ("ffv1", "-pix_fmt", "bgra"),
    "anim.png": ("apng", "-f", "apng"),
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures of which the first is opaque and without the channel."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(FRAMES):
        pixels = np.full((48, 64, 4), (200, 100, 50, 255), np.uint8)
        pixels[:, : 20 * number, 3] = np.linspace(0, 200, 48, dtype=np.uint8)[:, None]
        Image.fromarray(pixels).convert("RGBA" if number else "RGB").save(folder / f"f{number}.png")
    return folder


@pytest.fixture
def alpha(ffmpeg: Any, tmp_path: Path) -> Any:
    """Reads the alpha channel of a video's frames, 0 … 255."""

    def read(path: Path) -> list[np.ndarray]:
        for old in tmp_path.glob("alpha-*.png"):
            old.unlink()
        ffmpeg.run("-i", str(path), "-vf", "alphaextract,format=gray", "-fps_mode", "passthrough", str(tmp_path / "alpha-%d.png"))
        return [np.asarray(Image.open(tmp_path / f"alpha-{number + 1}.png")).astype(int) for number in range(FRAMES)]

    return read


@pytest.mark.parametrize("name", LAYOUTS)
def test_readers_find_the_channel(name: str, pictures: Path, ffmpeg: Any, tmp_path: Path, alpha: Any) -> None:
    for picture in pictures.iterdir():
        Image.open(picture).convert("RGBA").save(picture)
    ffmpeg.run("-i", str(pictures / "f%d.png"), "-c:v", *LAYOUTS[name], str(tmp_path / name))
    with VideoReader(tmp_path / name) as reader:
        found = [frame.alpha for frame in reader]
    assert reader.info.alpha and len(found) == FRAMES
    for mine, theirs in zip(found, alpha(tmp_path / name), strict=True):
        assert mine is not None and abs(mine * 255 - theirs).max() < 1.5


@pytest.mark.parametrize("target", ["out.mov", "out.mkv", "prores.mkv", "pngs", "tiffs"])
def test_outputs_keep_the_channel(target: str, pictures: Path, tmp_path: Path, restore: Any, alpha: Any, ffprobe: Any) -> None:
    codec = {"pngs": "png", "tiffs": "tiff", "prores.mkv": "prores"}.get(target, "auto")
    notes = restore(pictures, tmp_path / target, codec=codec).notes
    assert [note for note in notes if "Transparency is kept" in note]
    path = tmp_path / target
    for mine, picture in zip(alpha(path if path.is_file() else path / f"%06d.{codec}"), sorted(pictures.iterdir()), strict=True):
        theirs = np.asarray(Image.open(picture).convert("RGBA")).astype(int)[..., 3]
        assert abs(mine - theirs).max() <= 1
    if target == "out.mov":
        assert (ffprobe(path).video["codec_tag_string"], ffprobe(path).video["profile"]) == ("ap4h", "4444")


def test_what_has_no_channel_says_so(pictures: Path, tmp_path: Path, restore: Any) -> None:
    notes = restore(pictures, tmp_path / "out.mp4").notes
    assert [note for note in notes if "Transparency is left out" in note] and [note for note in notes if "would keep" in note]


@pytest.mark.parametrize("encoder", ["libvpx", "libvpx-vp9"])
def test_the_channel_beside_the_picture_of_webm_is_read(
    encoder: str, ffmpeg: Any, pictures: Path, tmp_path: Path, restore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for picture in pictures.iterdir():
        Image.open(picture).convert("RGBA").save(picture)
    layout = ("-c:v", encoder, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-crf", "4", "-b:v", "4M")
    ffmpeg.run("-i", str(pictures / "f%d.png"), *layout, str(tmp_path / "clip.webm"))
    with VideoReader(tmp_path / "clip.webm") as reader:
        assert reader.frames_total == FRAMES
        last = reader.frame(FRAMES - 1)
    theirs = np.asarray(Image.open(pictures / f"f{FRAMES - 1}.png"))[..., 3] / 255
    assert last.alpha is not None and abs(last.alpha - theirs).mean() < 0.02
    assert [note for note in restore(tmp_path / "clip.webm", tmp_path / "out.mkv").notes if "Transparency is kept" in note]
    monkeypatch.setattr(decode, "ALPHA_DECODERS", {})
    info = probe(tmp_path / "clip.webm")
    assert "alpha" in info.extras and not info.alpha


def test_a_transparent_colour_of_a_palette_is_found_behind_an_opaque_picture(tmp_path: Path) -> None:
    """upscayl/upscayl#496."""
    folder, picture = tmp_path / "palette", Image.new("P", (16, 16), 1)
    folder.mkdir()
    picture.putpalette([0, 0, 0, 250, 120, 60])
    picture.save(folder / "0.png")
    picture.save(folder / "1.png", transparency=1)
    with VideoReader(folder) as reader:
        assert [frame.alpha.mean() for frame in reader if frame.alpha is not None] == [1, 0]
