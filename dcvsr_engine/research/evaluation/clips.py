"""Evaluation clips: an undamaged crop of a video, and the low-resolution video made from it, which methods restore."""

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
from dcvsr_engine.research.evaluation.stills import RAW_PICTURE, pan, still_picture
from dcvsr_engine.research.pictures import Pictures, read_pictures, save_pictures, to_pictures, to_tensor
from dcvsr_engine.storage import discard, partial_path
from dcvsr_engine.video.color import MATRICES, RANGES
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES

EVALUATION_DEGRADATIONS = ("h264", "mild", "real-world", "none")
"""``h264``: bicubic ÷4, H.264 CRF 18; ``mild``, ``real-world``: the training presets; ``none``: clips as they are."""

EVALUATION_SCALE = 4
SIDE_MULTIPLE = 2 * EVALUATION_SCALE
"""Sides of undamaged clips are multiples of this, so that sides of the small clips are even, as 4:2:0 needs."""

CRF = 18


@dataclass(frozen=True)
class Preparation:
    """How evaluation clips are made.

    Attributes:
        frames: number of frames, ``None`` for all; shorter clips raise an error.
        start: index of the first frame.
        crop: (width, height) of the undamaged clip's centre in pixels, multiples of `SIDE_MULTIPLE`; ``None`` for the whole
            picture.
        degradation: one of `EVALUATION_DEGRADATIONS`.

    Raises:
        SettingsError: a value is out of range.
    """

    frames: int | None = 28
    start: int = 0
    crop: tuple[int, int] | None = (384, 256)
    degradation: str = "h264"

    def __post_init__(self) -> None:
        if (self.frames is not None and self.frames < 1) or self.start < 0:
            raise SettingsError(f"At least one frame is needed, from frame 0 or later, not {self.frames} from {self.start}.")
        if self.crop is not None and any(side < SIDE_MULTIPLE or side % SIDE_MULTIPLE for side in self.crop):
            raise SettingsError(f"The crop's sides must be multiples of {SIDE_MULTIPLE}, not {self.crop[0]}×{self.crop[1]}.")
        if self.degradation not in EVALUATION_DEGRADATIONS:
            raise SettingsError(f"The degradation must be one of {', '.join(EVALUATION_DEGRADATIONS)}, not “{self.degradation}”.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"crop": None if self.crop is None else list(self.crop)}


def crop_of(text: str) -> tuple[int, int] | None:
    """Parse ``WIDTHxHEIGHT`` or ``none``; raises `SettingsError`."""
    size = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if size is None and text != "none":
        raise SettingsError(f"The crop must be WIDTHxHEIGHT or none, not “{text}”.")
    return None if size is None else (int(size[1]), int(size[2]))


@dataclass(frozen=True)
class Clip:
    """A prepared clip: methods restore ``low``; ``truth`` is a folder of pictures, or ``None`` without an original."""

    name: str
    low: Path
    truth: Path | None


@contextlib.contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Yield ``source``, or a temporary copy of the file inside its ``.gz``."""
    if source.suffix != ".gz":
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / source.stem
        with gzip.open(source) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
        yield target


def source_pictures(source: Path, preparation: Preparation) -> Pictures:
    """Read the frames of a clip, or pan over a picture file; raises `InputError`."""
    if source.suffix.lower() in (RAW_PICTURE, *PICTURE_SUFFIXES) and source.is_file():
        return pan(still_picture(source), preparation.start, preparation.frames, preparation.crop)
    return read_pictures(source, preparation.start, preparation.frames)


def centre_crop(pictures: Pictures, crop: tuple[int, int] | None) -> Pictures:
    """Cut the centre of a clip, shrunk by 2 first where the pictures are large enough for it.

    Args:
        pictures: ``(frames, height, width, 3)``.
        crop: (width, height) in pixels; ``None`` keeps everything up to a multiple of `SIDE_MULTIPLE`.

    Raises:
        InputError: the pictures are smaller than the crop.
    """
    height, width = pictures.shape[1:3]
    if crop is None:
        return pictures[:, : height - height % SIDE_MULTIPLE, : width - width % SIDE_MULTIPLE]
    if width < crop[0] or height < crop[1]:
        raise InputError(
            f"A crop of {crop[0]}×{crop[1]} does not fit into pictures of {width}×{height}: choose a smaller --crop or “none”."
        )
    if width >= 2 * crop[0] and height >= 2 * crop[1]:
        # frame by frame: a whole clip in float32 takes four times its memory
        pictures = np.concatenate([to_pictures(shrink(to_tensor(frame[None]), 2)) for frame in pictures])
        height, width = pictures.shape[1:3]
    top, left = (height - crop[1]) // 2, (width - crop[0]) // 2
    return pictures[:, top : top + crop[1], left : left + crop[0]]


def write_h264(pictures: Pictures, path: Path) -> None:
    """Write an ordinary H.264 file: CRF 18, 4:2:0, BT.601 in limited range, tagged so. Sides must be even."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(CRF), "preset": "medium"})
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        # tagged, because readers guess the matrix of untagged video by its size
        stream.codec_context.colorspace = MATRICES["smpte170m"]
        stream.codec_context.color_range = RANGES["tv"]
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(
                stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG))
            )
        container.mux(stream.encode(None))


def write_low(name: str, truth: Pictures, degradation: str, folder: Path) -> Path:
    """Write the low-resolution clip into ``folder``.

    Args:
        name: of the clip; seeds the damage, so that every run damages it alike.
        truth: the undamaged clip ``(frames, height, width, 3)``.
        degradation: of `EVALUATION_DEGRADATIONS`, apart from ``none``.
        folder: where to write.

    Returns:
        Path of the video or of the folder of pictures.
    """
    if degradation == "h264":
        write_h264(to_pictures(shrink(to_tensor(truth), EVALUATION_SCALE)), folder / "low.mp4")
        return folder / "low.mp4"
    from dcvsr_engine.research.training import degradation as training

    # not `hash`, which Python randomises per process
    rng = random.Random(zlib.crc32(name.encode()))
    save_pictures(to_pictures(training.degrade_clip(to_tensor(truth), degradation, rng, EVALUATION_SCALE)), folder / "low")
    return folder / "low"


def prepare_clip(name: str, source: Path, preparation: Preparation, folder: Path) -> Clip:
    """Make the evaluation clip ``name`` in ``folder / name`` unless it is there.

    Raises:
        InputError: the source cannot be read, or is too short or too small.
    """
    target = folder / name
    if not target.is_dir():
        with unpacked(source) as readable:
            pictures = source_pictures(readable, preparation)
        partial = partial_path(target)
        partial.mkdir(parents=True)
        try:
            write_clip_files(name, pictures, preparation, partial)
            partial.rename(target)
        finally:
            discard(partial)
    low = next(path for path in (target / "low.mp4", target / "low") if path.exists())
    return Clip(name, low, target / "truth" if (target / "truth").is_dir() else None)


def write_clip_files(name: str, pictures: Pictures, preparation: Preparation, folder: Path) -> None:
    """Write the truth, where there is one, and the low-resolution clip into ``folder``."""
    if preparation.degradation == "none":
        if preparation.crop is not None:
            pictures = centre_crop(pictures, (preparation.crop[0] // EVALUATION_SCALE, preparation.crop[1] // EVALUATION_SCALE))
        save_pictures(pictures, folder / "low")
        return
    truth = centre_crop(pictures, preparation.crop)
    save_pictures(truth, folder / "truth")
    write_low(name, truth, preparation.degradation, folder)
