"""Evaluation clips: an undamaged crop of a video, and the low-resolution video that is made from it and restored."""

import contextlib
import gzip
import random
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.evaluation.pictures import Pictures, read, to_pictures, to_tensor, write
from dcvsr_engine.storage import discard, partial_path
from dcvsr_engine.video.color import MATRICES, RANGES

DEGRADATIONS = ("h264", "mild", "real-world", "none")
"""``h264``: bicubic ÷4, H.264 CRF 18; ``mild``, ``real-world``: the training presets; ``none``: clips as they are."""

SCALE = 4
MULTIPLE = 2 * SCALE
"""What sides of undamaged clips divide by, so that those of the small ones are even, as 4:2:0 needs."""

CRF = 18


@dataclass(frozen=True)
class Preparation:
    """How evaluation clips are made.

    Attributes:
        frames, start: how many frames (``None``: all there are), from which on; shorter clips raise an error.
        crop: (width, height) of the undamaged clip, from the centre, multiples of `MULTIPLE`; ``None`` for the whole picture.
        degradation: one of `DEGRADATIONS`.

    Raises `SettingsError` for anything else.
    """

    frames: int | None = 28
    start: int = 0
    crop: tuple[int, int] | None = (384, 256)
    degradation: str = "h264"

    def __post_init__(self) -> None:
        if (self.frames is not None and self.frames < 1) or self.start < 0:
            raise SettingsError(f"At least one frame from frame 0 on is needed, not {self.frames} from {self.start}.")
        if self.crop is not None and any(side < MULTIPLE or side % MULTIPLE for side in self.crop):
            raise SettingsError(f"The crop's sides must be multiples of {MULTIPLE}, not {self.crop[0]}×{self.crop[1]}.")
        if self.degradation not in DEGRADATIONS:
            raise SettingsError(f"The degradation must be one of {', '.join(DEGRADATIONS)}, not “{self.degradation}”.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"crop": None if self.crop is None else list(self.crop)}


def crop_of(text: str) -> tuple[int, int] | None:
    """``WIDTHxHEIGHT``, or ``none``; raises `SettingsError`."""
    size = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if size is None and text != "none":
        raise SettingsError(f"The crop must be WIDTHxHEIGHT or none, not “{text}”.")
    return None if size is None else (int(size[1]), int(size[2]))


@dataclass(frozen=True)
class Clip:
    """A prepared clip: ``low`` is what methods restore, ``truth`` a folder of pictures or ``None``."""

    name: str
    low: Path
    truth: Path | None


@contextlib.contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """``source``, or what its ``.gz`` holds."""
    if source.suffix != ".gz":
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / source.stem
        with gzip.open(source) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
        yield target


def cut(pictures: Pictures, crop: tuple[int, int] | None) -> Pictures:
    """The centre of ``crop`` (width, height), shrunk by 2 first where the pictures are large enough for it.

    Without a crop, all but what does not divide by `MULTIPLE`. Raises `InputError` when the pictures are smaller.
    """
    height, width = pictures.shape[1:3]
    if crop is None:
        return pictures[:, : height - height % MULTIPLE, : width - width % MULTIPLE]
    if width < crop[0] or height < crop[1]:
        raise InputError(
            f"A crop of {crop[0]}×{crop[1]} does not fit into pictures of {width}×{height}: choose a smaller --crop or “none”."
        )
    if width >= 2 * crop[0] and height >= 2 * crop[1]:
        pictures = np.concatenate([to_pictures(shrink(to_tensor(frame[None]), 2)) for frame in pictures])
        height, width = pictures.shape[1:3]
    top, left = (height - crop[1]) // 2, (width - crop[0]) // 2
    return pictures[:, top : top + crop[1], left : left + crop[0]]


def write_h264(pictures: Pictures, path: Path) -> None:
    """An ordinary H.264 file: CRF 18, 4:2:0, BT.601 in limited range, tagged so. Sides must be even."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(CRF), "preset": "medium"})
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace = MATRICES["smpte170m"]
        stream.codec_context.color_range = RANGES["tv"]
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(
                stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG))
            )
        container.mux(stream.encode(None))


def degrade(name: str, truth: Pictures, degradation: str, folder: Path) -> Path:
    """Write the low-resolution clip into ``folder``: a video, or a folder of pictures. The same name gives the same damage."""
    if degradation == "h264":
        write_h264(to_pictures(shrink(to_tensor(truth), SCALE)), folder / "low.mp4")
        return folder / "low.mp4"
    from dcvsr_engine.research.training import degradation as training

    rng = random.Random(zlib.crc32(name.encode()))
    write(to_pictures(training.degrade(to_tensor(truth), degradation, rng, SCALE)), folder / "low")
    return folder / "low"


def prepare(name: str, source: Path, preparation: Preparation, folder: Path) -> Clip:
    """The evaluation clip ``name`` in ``folder / name``, made unless it is there. Raises `InputError` when it cannot be."""
    target = folder / name
    if not target.is_dir():
        with unpacked(source) as readable:
            pictures = read(readable, preparation.start, preparation.frames)
        partial = partial_path(target)
        partial.mkdir(parents=True)
        try:
            build(name, pictures, preparation, partial)
            partial.rename(target)
        finally:
            discard(partial)
    low = next(path for path in (target / "low.mp4", target / "low") if path.exists())
    return Clip(name, low, target / "truth" if (target / "truth").is_dir() else None)


def build(name: str, pictures: Pictures, preparation: Preparation, folder: Path) -> None:
    """Write what a clip consists of into ``folder``."""
    if preparation.degradation == "none":
        if preparation.crop is not None:
            pictures = cut(pictures, (preparation.crop[0] // SCALE, preparation.crop[1] // SCALE))
        write(pictures, folder / "low")
        return
    truth = cut(pictures, preparation.crop)
    write(truth, folder / "truth")
    degrade(name, truth, preparation.degradation, folder)
