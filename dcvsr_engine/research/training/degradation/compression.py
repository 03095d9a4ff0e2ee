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
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcvsr_engine.research.pictures import Pictures, to_pictures, to_tensor
from dcvsr_engine.research.training.degradation.walk import Range, walk

QUALITY = (30.0, 95.0)
"""Range of random JPEG's quality."""

CODED_RATE = 25
"""Frames per second of coded clips."""


def jpeg(frames: Tensor, quality: int | Sequence[int]) -> Tensor:
    """Code each frame of ``(frames, 3, h, w)`` as baseline JPEG and decode it; ``quality`` is one for all or one per frame."""

    def once(picture: Pictures, value: int) -> Pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=value)
        return np.asarray(Image.open(buffer))

    qualities = [quality] * len(frames) if isinstance(quality, int) else quality
    return to_tensor(np.stack([once(*pair) for pair in zip(to_pictures(frames), qualities, strict=True)]))


def random_jpeg(frames: Tensor, rng: random.Random) -> Tensor:
    """Code ``(frames, 3, h, w)`` as JPEG of a quality that drifts within `QUALITY`."""
    return jpeg(frames, [round(value) for value in walk(rng, QUALITY, 3, len(frames))])


@dataclass(frozen=True)
class LossyCodec:
    """A lossy video codec, old or new.

    Attributes:
        encoder, decoder: FFmpeg's names.
        options: of the encoder.
        smallest: shortest side in pixels to code; smaller pictures are padded.
        quantiser: range of the quality number: CRF, or the quantiser of MPEG-4.
        rated: the encoder keeps a bit rate even over a few frames.
    """

    encoder: str
    decoder: str
    options: dict[str, str]
    smallest: int
    quantiser: tuple[int, int]
    rated: bool = True

    def at(self, quantiser: int) -> dict[str, str]:
        """Return the options for one quality."""
        value = str(quantiser)
        return {"qmin": value, "qmax": value} if self.encoder == "mpeg4" else {"crf": value}


X265 = "log-level=none:cutree=0:pools=none:frame-threads=1"
LOSSY_CODECS = {
    # with its macroblock tree x264 is not deterministic
    "h264": LossyCodec("libx264", "h264", {"preset": "veryfast", "x264-params": "mbtree=0"}, 8, (18, 35)),
    # x265 is not deterministic below 80 pixels, and in narrow pictures its tree writes past its memory
    "h265": LossyCodec("libx265", "hevc", {"preset": "ultrafast", "x265-params": X265}, 96, (18, 35)),
    "mpeg4": LossyCodec("mpeg4", "mpeg4", {}, 8, (2, 15), rated=False),
}
BITS_PER_PIXEL: Range = (0.1, 2.0)
"""Range for codecs that keep a bit rate."""

LOWEST = 4000
"""Lowest bit rate that every encoder accepts."""


def coded(pictures: Pictures, codec: LossyCodec, options: dict[str, str], bit_rate: int | None = None) -> Pictures:
    """Code pictures with even sides as 4:2:0 and decode them, on one thread: several are not deterministic."""
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

    frames = []
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, CODED_RATE)
        frames += decoded(encoder.encode(frame))
    return np.stack(frames + decoded([*encoder.encode(None), None]))


def video_compression(
    frames: Tensor, codec: LossyCodec, options: dict[str, str] | None = None, bits_per_pixel: float | None = None
) -> Tensor:
    """Code a clip and decode it.

    Odd and small pictures are padded by repeating the pixels at their border, as codecs do, and cut again.

    Args:
        frames: RGB 0..1 ``(frames, 3, h, w)``; a single frame is coded as a picture.
        codec: of `LOSSY_CODECS`.
        options: of the encoder, beside the codec's own.
        bits_per_pixel: bit rate; ``None`` leaves the quality to ``options``.
    """
    height, width = frames.shape[-2:]
    down, right = (max(codec.smallest, side + side % 2) - side for side in (height, width))
    pictures = np.pad(to_pictures(frames), ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")
    # rates are per pixel, so that clips of any size get the same strength
    bit_rate = None if bits_per_pixel is None else max(LOWEST, round(bits_per_pixel * pictures[0, ..., 0].size * CODED_RATE))
    return to_tensor(coded(pictures, codec, codec.options | (options or {}), bit_rate)[:, :height, :width])


def random_video_compression(frames: Tensor, rng: random.Random) -> Tensor:
    """Code ``(frames, 3, h, w)`` by a random codec at a constant quality, or half of the time, where it can, at a bit rate."""
    codec = LOSSY_CODECS[rng.choice(list(LOSSY_CODECS))]
    if not codec.rated or rng.random() < 0.5:
        return video_compression(frames, codec, codec.at(rng.randint(*codec.quantiser)))
    low, high = (math.log(bits) for bits in BITS_PER_PIXEL)
    return video_compression(frames, codec, bits_per_pixel=math.exp(rng.uniform(low, high)))
