"""A small picture of a clip, for lists. Torch-free."""

from collections.abc import Iterator
from itertools import islice

import av
import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.video import decode
from dcvsr_engine.video.animation import BY_PILLOW, animation_frames
from dcvsr_engine.video.arrays import to_uint8
from dcvsr_engine.video.film import LIGHT_CODEC
from dcvsr_engine.video.probe import VideoInfo, color_of
from dcvsr_engine.video.reader import rgb_of
from dcvsr_engine.video.source import opened, video_stream

LOOKED_AT = 60
"""Frames among which one that is not black is looked for: films begin in the dark."""
BLACK_MEAN = 24.0
"""Mean of 255 up to which a picture counts as black."""


def small_picture(info: VideoInfo, most: tuple[int, int]) -> NDArray[np.uint8] | None:
    """A frame near the clip's beginning, upright and with square pixels.

    Args:
        info: facts about the clip.
        most: (width, height) in pixels that it does not exceed.

    Returns:
        RGB ``(height, width, 3)``, or ``None`` where no frame decodes.

    Raises:
        InputError: the clip cannot be opened.
    """
    width, height = float(info.width * info.sample_aspect_ratio), info.height
    ratio = min(most[0] / width, most[1] / height, 1.0)
    size = info.orientation.size(max(1, round(width * ratio)), max(1, round(height * ratio)))
    picture = None
    for frame in islice(first_frames(info), LOOKED_AT):
        stored = frame.reformat(*size, format="rgb24", interpolation="AREA").to_ndarray()
        picture = info.orientation.apply(stored)
        if picture.mean() > BLACK_MEAN:
            break
    return picture


def first_frames(info: VideoInfo) -> Iterator[av.VideoFrame]:
    """Decode a clip from its beginning, as far as that goes."""
    path = info.pictures[0] if info.pictures else info.path
    if info.codec in BY_PILLOW:
        yield from animation_frames(path, 0)
        return
    with opened(path) as container:
        frames = decode.frames(container, video_stream(container, path), lambda _: None, lambda _: None)
        yield from map(displayed, frames) if info.codec == LIGHT_CODEC else frames


def displayed(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame of light as a display shows it."""
    pixels, _ = rgb_of(LIGHT_CODEC, frame, color_of(LIGHT_CODEC, frame))
    return av.VideoFrame.from_ndarray(to_uint8(pixels), "rgb24")
