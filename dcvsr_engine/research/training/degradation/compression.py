"""JPEG and video compression: through the codec and back."""

import io
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcvsr_engine.research.training.degradation.walk import Range, walk
from dcvsr_engine.video.arrays import to_uint8

Pictures = NDArray[np.uint8]
"""RGB, ``(frames, height, width, 3)``."""

QUALITY = (30.0, 95.0)
"""Of random JPEG."""

CODED_RATE = 25
"""Frames per second of coded clips."""


def to_bytes(frames: Tensor) -> Pictures:
    """RGB 0..1 ``(frames, 3, h, w)`` as uint8 ``(frames, h, w, 3)``."""
    return to_uint8(frames.permute(0, 2, 3, 1).numpy())


def from_bytes(pictures: Pictures) -> Tensor:
    """The inverse of `to_bytes`."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def jpeg(frames: Tensor, quality: int | Sequence[int]) -> Tensor:
    """Each frame through baseline JPEG at ``quality``, one for all or one per frame."""

    def once(picture: Pictures, value: int) -> Pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=value)
        return np.asarray(Image.open(buffer))

    qualities = [quality] * len(frames) if isinstance(quality, int) else quality
    return from_bytes(np.stack([once(*pair) for pair in zip(to_bytes(frames), qualities, strict=True)]))


def random_jpeg(frames: Tensor, rng: random.Random) -> Tensor:
    """JPEG of a quality that drifts within `QUALITY`."""
    return jpeg(frames, [round(value) for value in walk(rng, QUALITY, 3, len(frames))])


@dataclass(frozen=True)
class LossyCodec:
    """A video codec as old and new videos use it.

    Attributes:
        encoder, decoder: FFmpeg's names.
        options: of the encoder.
        smallest: shortest side that is coded; smaller pictures are padded.
        quantiser: range of the quality number: CRF, or the quantiser of MPEG-4.
        rated: it keeps a bit rate, even over a few frames.
    """

    encoder: str
    decoder: str
    options: dict[str, str]
    smallest: int
    quantiser: tuple[int, int]
    rated: bool = True

    def at(self, quantiser: int) -> dict[str, str]:
        """Options for one quality."""
        value = str(quantiser)
        return {"qmin": value, "qmax": value} if self.encoder == "mpeg4" else {"crf": value}


X265 = "log-level=none:cutree=0:pools=none:frame-threads=1"
LOSSY_CODECS = {
    # with its macroblock tree x264 does not always decide alike
    "h264": LossyCodec("libx264", "h264", {"preset": "veryfast", "x264-params": "mbtree=0"}, 8, (18, 35)),
    # below 80 pixels x265 does not decide alike either; in narrow pictures its tree writes past its memory
    "h265": LossyCodec("libx265", "hevc", {"preset": "ultrafast", "x265-params": X265}, 96, (18, 35)),
    "mpeg4": LossyCodec("mpeg4", "mpeg4", {}, 8, (2, 15), rated=False),
}
BITS_PER_PIXEL: Range = (0.1, 2.0)
"""Of codecs with a given bit rate."""

LOWEST = 4000
"""Bit rate that every encoder accepts."""


def coded(pictures: Pictures, codec: LossyCodec, options: dict[str, str], bit_rate: int | None = None) -> Pictures:
    """Pictures with even sides through a codec, 4:2:0, on one thread."""
    encoder = av.CodecContext.create(codec.encoder, "w")
    decoder = av.CodecContext.create(codec.decoder, "r")
    assert isinstance(encoder, av.VideoCodecContext) and isinstance(decoder, av.VideoCodecContext)
    encoder.height, encoder.width = pictures.shape[1:3]
    encoder.pix_fmt, encoder.options = "yuv420p", options
    encoder.framerate, encoder.time_base = Fraction(CODED_RATE), Fraction(1, CODED_RATE)
    encoder.thread_count = decoder.thread_count = 1
    if bit_rate is not None:
        encoder.bit_rate = bit_rate

    def decoded(packets: "Iterable[av.Packet[Any] | None]") -> list[NDArray[Any]]:
        return [frame.to_ndarray(format="rgb24") for packet in packets for frame in decoder.decode(packet)]

    found = []
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, CODED_RATE)
        found += decoded(encoder.encode(frame))
    return np.stack(found + decoded([*encoder.encode(None), None]))


def video_compression(
    frames: Tensor, codec: LossyCodec, options: dict[str, str] | None = None, bits_per_pixel: float | None = None
) -> Tensor:
    """The clip through ``codec`` with ``options`` beside its own, or at a bit rate; a single frame is coded as a picture.

    Odd and small pictures are padded by repeating the pixels at their border, as codecs do, and cut again.
    """
    height, width = frames.shape[-2:]
    down, right = (max(codec.smallest, side + side % 2) - side for side in (height, width))
    pictures = np.pad(to_bytes(frames), ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")
    bit_rate = None if bits_per_pixel is None else max(LOWEST, round(bits_per_pixel * pictures[0, ..., 0].size * CODED_RATE))
    return from_bytes(coded(pictures, codec, codec.options | (options or {}), bit_rate)[:, :height, :width])


def random_video_compression(frames: Tensor, rng: random.Random) -> Tensor:
    """One of `LOSSY_CODECS`, each as likely, at a constant quality or (half of those that keep one) at a bit rate."""
    codec = LOSSY_CODECS[rng.choice(list(LOSSY_CODECS))]
    if not codec.rated or rng.random() < 0.5:
        return video_compression(frames, codec, codec.at(rng.randint(*codec.quantiser)))
    low, high = (math.log(bits) for bits in BITS_PER_PIXEL)
    return video_compression(frames, codec, bits_per_pixel=math.exp(rng.uniform(low, high)))
