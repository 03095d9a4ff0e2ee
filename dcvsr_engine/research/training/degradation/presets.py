"""Presets of degradation: how a high-resolution clip becomes the low-resolution one that is restored.

``mild`` is our own: what a camera or a good encoder does. ``streamed`` is ours too: a little blur and noise, then a video
encoder at the rates of streaming, as most videos on the web have seen. ``film`` and ``interlaced`` are what old material adds.

``real-world`` follows Real-ESRGAN (arXiv 2107.10833) with the video parts of RealBasicVSR (arXiv 2111.12704).

From the papers and their authors' configurations: two orders of blur, resizing, noise and JPEG (the second blur with
probability 0.8), video compression after each order, and a sinc filter (0.8) before or after the last compression; the
kernels, their probabilities and sizes; the ranges of σ, of the factors of resizing, of noise, of JPEG quality and of the
sinc's cut-off; 40 % grey noise; the walk of parameters over a clip and its steps.

Our choice: shape parameters are drawn uniformly; the size of pictures does not drift, so that a clip stays one tensor, and
is 8 pixels at least on the way; Poisson noise counts 256 photons at full brightness, whatever the picture; H.265 beside
H.264 and MPEG-4 part 2, at a random quality or (not MPEG-4) 0.1 … 2 bits per pixel (RealBasicVSR: H.264 and MPEG-4 at 10⁴ …
10⁵ bits, which is another strength at another size); the undamaged clip is not sharpened.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.pictures import to_pictures, to_tensor
from dcvsr_engine.research.training.degradation.blur import isotropic_blur, random_blur, sinc_blur
from dcvsr_engine.research.training.degradation.compression import (
    LOSSY_CODECS,
    jpeg,
    random_jpeg,
    random_video_compression,
    video_compression,
)
from dcvsr_engine.research.training.degradation.film import bobbed, combed, random_grain
from dcvsr_engine.research.training.degradation.noise import gaussian_noise, random_noise
from dcvsr_engine.research.training.degradation.resize import random_factor, random_resize
from dcvsr_engine.research.training.degradation.walk import Range


def mild(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """Degrade a clip lightly: blur ≤ 0.5 px of the LR grid, bicubic ÷4, noise ≤ 1.5/255, JPEG ≥ 80 or H.264 CRF ≤ 23."""
    if rng.random() < 0.5:
        clip = isotropic_blur(clip, rng.uniform(0.2, 0.5) * scale)
    small = shrink(clip, scale)
    if rng.random() < 0.5:
        small = gaussian_noise(small, rng.uniform(0, 1.5) / 255, rng.getrandbits(31))
    kind = rng.random()
    if kind < 0.35:
        small = jpeg(small, rng.randint(80, 98))
    # a single frame stays without H.264: there is no motion to code
    elif kind < 0.75 and clip.shape[0] > 1:
        small = video_compression(small, LOSSY_CODECS["h264"], LOSSY_CODECS["h264"].at(rng.randint(12, 23)))
    return small.clamp(0, 1)


def streamed(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """Degrade a clip as streaming does: blur ≤ 1 px of the LR grid, ÷4, noise ≤ 8/255, H.264 or H.265 at CRF 15 … 32."""
    if rng.random() < 0.6:
        clip = isotropic_blur(clip, rng.uniform(0.2, 1.0) * scale)
    small = shrink(clip, scale)
    if rng.random() < 0.6:
        small = random_noise(small, rng, (0.5, 8), (0.05, 0.6))
    codec = LOSSY_CODECS["h264" if rng.random() < 0.7 else "h265"]
    return video_compression(small, codec, codec.at(rng.randint(15, 32)))


def film(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """Degrade a clip as if scanned from film: a little blur, ÷4, grain, H.264 at CRF 12 … 26 or no codec."""
    if rng.random() < 0.6:
        clip = isotropic_blur(clip, rng.uniform(0.2, 0.8) * scale)
    small = random_grain(shrink(clip, scale), rng)
    codec = LOSSY_CODECS["h264"]
    return video_compression(small, codec, codec.at(rng.randint(12, 26))) if rng.random() < 0.7 else small


def interlaced(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """Degrade a clip as if interlaced: woven (combs where it moves) or bobbed, little noise, H.264 or MPEG-4."""
    fields = combed if rng.random() < 0.5 else bobbed
    small = fields(shrink(clip, scale), rng.randrange(2))
    if rng.random() < 0.5:
        small = random_noise(small, rng, (0.5, 5), (0.05, 0.4))
    name, quantiser = ("h264", rng.randint(14, 28)) if rng.random() < 0.6 else ("mpeg4", rng.randint(2, 6))
    return video_compression(small, LOSSY_CODECS[name], LOSSY_CODECS[name].at(quantiser))


@dataclass(frozen=True)
class Order:
    """One round of blur, resizing, noise and JPEG.

    Attributes:
        blurred: probability of the blur.
        blur: σ in pixels.
        directions: probabilities of enlarging, shrinking and neither.
        factor: of the size, relative to the undamaged clip (first order) or to the LR clip (second).
        gaussian: σ of 255.
        poisson: scale.
    """

    blurred: float
    blur: Range
    directions: tuple[float, float, float]
    factor: Range
    gaussian: Range
    poisson: Range


FIRST = Order(1.0, (0.2, 3.0), (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3.0))
SECOND = Order(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5))


def one_order(frames: Tensor, rng: random.Random, order: Order, height: int, width: int) -> Tensor:
    """Blur ``(frames, 3, h, w)``, resize it relative to ``height`` × ``width``, add noise and JPEG artefacts."""
    if rng.random() < order.blurred:
        frames = random_blur(frames, rng, order.blur)
    factor = random_factor(rng, order.directions, order.factor)
    frames = random_resize(frames, rng, height * factor, width * factor)
    return random_jpeg(random_noise(frames, rng, order.gaussian, order.poisson), rng)


def final_size(frames: Tensor, rng: random.Random, height: int, width: int) -> Tensor:
    """Resize to the LR clip's size, then apply a sinc filter with probability 0.8."""
    frames = random_resize(frames, rng, height, width)
    return sinc_blur(frames, rng, (math.pi / 3, math.pi)).clamp(0, 1) if rng.random() < 0.8 else frames


def real_world(clip: Tensor, rng: random.Random, scale: int = 4) -> Tensor:
    """Degrade a clip as heavily as videos on the web; values are multiples of 1/255."""
    height, width = clip.shape[-2:]
    small = (height // scale, width // scale)
    frames = random_video_compression(one_order(clip, rng, FIRST, height, width), rng)
    frames = one_order(frames, rng, SECOND, *small)
    if rng.random() < 0.5:
        return random_video_compression(final_size(frames, rng, *small), rng)
    # the other order ends with a codec, whose pictures are bytes already
    return to_tensor(to_pictures(final_size(random_video_compression(frames, rng), rng, *small)))


PRESETS: dict[str, Callable[[Tensor, random.Random, int], Tensor]] = {
    "mild": mild,
    "streamed": streamed,
    "real-world": real_world,
    "film": film,
    "interlaced": interlaced,
}


def degrade_clip(clip: Tensor, preset: str, rng: random.Random, scale: int = 4) -> Tensor:
    """Make the degraded LR clip.

    Args:
        clip: RGB 0..1 ``(frames, 3, h, w)`` on the processor; sides are multiples of ``scale``, at least 8 times it.
        preset: key of `PRESETS`.
        rng: source of every random number: the same state gives the same clip.
        scale: reduction.

    Returns:
        RGB 0..1 ``(frames, 3, h / scale, w / scale)``.

    Raises:
        SettingsError: unknown preset.
    """
    if preset not in PRESETS:
        raise SettingsError(f"The degradation must be one of {', '.join(PRESETS)}, not “{preset}”.")
    return PRESETS[preset](clip, rng, scale)
