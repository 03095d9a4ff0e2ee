"""Degradations that make low-resolution training clips, seeded and constant over a clip."""

import io
import random

import av
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from dcvsr_engine.network.resample import shrink


def gaussian_blur(frames: Tensor, sigma: float) -> Tensor:
    """Blur ``(frames, 3, h, w)`` with an isotropic Gaussian of ``sigma`` pixels."""
    radius = max(1, round(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).to(frames)
    channels = frames.shape[1]
    padded = F.pad(frames, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, taps.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(rows, taps.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)


def gaussian_noise(frames: Tensor, level: float, seed: int) -> Tensor:
    """Add white noise of standard deviation ``level`` (0..1 scale), independent per frame."""
    generator = torch.Generator().manual_seed(seed)
    return frames + level * torch.randn(frames.shape, generator=generator)


def to_bytes(frames: Tensor) -> np.ndarray:
    """RGB 0..1 ``(frames, 3, h, w)`` as uint8 ``(frames, h, w, 3)``."""
    return (frames.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()


def from_bytes(pictures: np.ndarray) -> Tensor:
    """The inverse of `to_bytes`."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def jpeg(frames: Tensor, quality: int) -> Tensor:
    """Each frame through baseline JPEG at ``quality``."""

    def once(picture: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return from_bytes(np.stack([once(picture) for picture in to_bytes(frames)]))


def video_compression(frames: Tensor, crf: int) -> Tensor:
    """The clip through H.264 at ``crf``; sides must be even."""
    buffer = io.BytesIO()
    height, width = frames.shape[-2:]
    with av.open(buffer, "w", format="matroska") as container:
        options = {"crf": str(crf), "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in to_bytes(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as coded:
        decoded = [frame.to_ndarray(format="rgb24") for frame in coded.decode(video=0)]
    return from_bytes(np.stack(decoded))


def degrade_mild(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """A lightly degraded LR clip: blur ≤ 0.5 px of the LR grid, bicubic ÷4, noise ≤ 1.5/255, JPEG ≥ 80 or H.264 CRF ≤ 23.

    Args:
        clip: RGB 0..1 ``(frames, 3, height, width)``.
        rng: source of every random number.
        scale: reduction.
    """
    if rng.random() < 0.5:
        clip = gaussian_blur(clip, rng.uniform(0.2, 0.5) * scale)
    small = shrink(clip, scale)
    if rng.random() < 0.5:
        small = gaussian_noise(small, rng.uniform(0, 1.5) / 255, rng.getrandbits(31))
    kind = rng.random()
    if kind < 0.35:
        small = jpeg(small, rng.randint(80, 98))
    elif kind < 0.75 and clip.shape[0] > 1:
        small = video_compression(small, rng.randint(12, 23))
    return small.clamp(0, 1)
