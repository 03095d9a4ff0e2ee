"""Parts of clips that are sent elsewhere give the frames of the whole clip, with their numbers and times."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import HDR10, Clip, numbered, write_clip
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.video import part
from dcvsr_engine.video.part import ClipPart, cut_part
from dcvsr_engine.video.passage import first_changed
from dcvsr_engine.video.reader import Frame, VideoReader

SOUND = [("eng", "Main")]
CLIPS = {
    "b-frames.mp4": Clip(range(40), options={"g": "10", "bf": "3"}, audio=SOUND),
    "open-gop.mkv": Clip(range(40), options={"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
    "hevc.mkv": Clip(range(40), codec="libx265", options={"g": "10", "x265-params": "log-level=none"}),
    "hdr.mkv": Clip(
        range(24), codec="libx265", pixel_format="yuv420p10le", color=HDR10, options={"g": "8", "x265-params": "log-level=none"}
    ),
    "stream.ts": Clip(range(40), codec="mpeg2video", options={"g": "10", "bf": "2"}, audio=SOUND, audio_codec="mp2"),
    "annexb.ts": Clip(range(40), options={"g": "10", "bf": "3"}, audio=SOUND),
    "xvid.avi": Clip(range(40), codec="mpeg4", options={"g": "10"}, audio=SOUND, audio_codec="mp2"),
    "still.avi": Clip(range(24), codec="mjpeg", pixel_format="yuvj420p"),
    "film.mov": Clip(range(24), codec="prores_ks", pixel_format="yuv422p10le", tagged=False),
    "lossless.mkv": Clip(range(24), codec="ffv1"),
    "web.webm": Clip(range(24), codec="libvpx-vp9", options={"g": "8"}, time_base=Fraction(1, 1000), rate=Fraction(24)),
    "turned.mp4": Clip(range(24), options={"g": "8"}, rotation=(90, False)),
    "uneven.mp4": Clip(tuple(n * n // 3 + 7 * n for n in range(30)), time_base=Fraction(1, 600), options={"g": "7"}),
    "fields.mkv": Clip(range(24), interlaced=True, options={"g": "8"}),
    "wide.mkv": Clip(range(24), aspect=Fraction(4, 3), options={"g": "8"}),
}


def moved(cut: ClipPart, folder: Path) -> ClipPart:
    """The part as it is on another computer."""
    folder.mkdir()
    there = cut.in_folder(folder)
    for here, file in zip(cut.files, there.files, strict=True):
        shutil.copy(here, file)
    return there


def same(one: Frame, other: Frame) -> bool:
    facts = [(frame.index, frame.pts, frame.duration, frame.time_base) for frame in (one, other)]
    return facts[0] == facts[1] and np.array_equal(one.pixels, other.pixels) and (one.alpha is None) == (other.alpha is None)


def check(reader: VideoReader, first: int, last: int, folder: Path, sent: str = "packets") -> ClipPart:
    """Cut a part, and read it."""
    cut = cut_part(reader, first, last, folder / f"{first}.part")
    assert ("packets" if cut.stamps is not None else "files") == sent
    with moved(cut, folder / f"there-{first}").reader(deinterlace=True) as there:
        expected, found = list(reader.frames(first, last)), list(there.frames(first, last))
        assert len(found) == len(expected) > 0 and all(map(same, expected, found))
        assert not there.warnings
    assert first_changed(reader.parts, [cut.passage]) is None
    return cut


@pytest.mark.parametrize("name", CLIPS)
def test_a_part_of_a_clip_gives_its_frames(name, tmp_path):
    with VideoReader(write_clip(tmp_path / name, CLIPS[name])) as reader:
        for first, last in ((0, 4), (9, 14), (13, 20), (reader.index.frames - 3, reader.index.frames - 1)):
            check(reader, first, last, tmp_path)


def test_a_clip_whose_frames_are_not_found_by_their_time_is_sent_whole_while_it_is_small(tmp_path, monkeypatch):
    pictures = [Image.fromarray((numbered(number, 64, 48) * 255).astype(np.uint8)) for number in range(9)]
    pictures[0].save(tmp_path / "loop.webp", save_all=True, append_images=pictures[1:], duration=40, lossless=True)
    with VideoReader(tmp_path / "loop.webp") as reader:
        check(reader, 3, 6, tmp_path, sent="files")
        monkeypatch.setattr(part, "MOST_WHOLE", 10)
        with pytest.raises(InputError, match="cannot be sent in parts"):
            cut_part(reader, 0, 3, tmp_path / "x.part")


def test_of_pictures_those_of_the_part_are_sent(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(9):
        write_clip(tmp_path / f"pictures/shot{number}.png", Clip([number], codec="png", pixel_format="rgb24"))
    with VideoReader(tmp_path / "pictures") as reader:
        cut = check(reader, 3, 5, tmp_path, sent="files")
        assert [path.name for path in cut.files] == [f"shot{number}.png" for number in range(3, 8)]


def test_what_cannot_be_decoded_alike_is_not_sent_in_packets(tmp_path, monkeypatch):
    """As where a container loses what the decoder must know."""
    monkeypatch.setattr(part, "tags_of", lambda picture, seen=[]: seen.append(0) or len(seen))
    with VideoReader(write_clip(tmp_path / "clip.mp4")) as reader:
        check(reader, 0, 3, tmp_path, sent="files")
    assert not list(tmp_path.glob("*.partial-*"))
