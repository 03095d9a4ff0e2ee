"""Blur: Gaussian, generalised Gaussian, plateau and sinc kernels (Real-ESRGAN, section 3), one per frame."""

import math
import random
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.research.training.degradation.walk import Range, walk

SIZES = (7, 9, 11, 13, 15, 17, 19, 21)
KERNEL_SHARES = {
    "isotropic": 0.405,
    "anisotropic": 0.225,
    "generalised isotropic": 0.108,
    "generalised anisotropic": 0.027,
    "plateau isotropic": 0.108,
    "plateau anisotropic": 0.027,
    "sinc": 0.1,
}
"""Kernels and their probabilities."""

EXPONENTS: dict[str, tuple[Range, float]] = {"generalised": ((0.5, 4.0), 0.05), "plateau": ((1.0, 2.0), 0.1)}
"""Range of the shape parameter and its step per frame."""


def isotropic_blur(frames: Tensor, sigma: float) -> Tensor:
    """Blur ``(frames, 3, h, w)`` with an isotropic Gaussian of ``sigma`` pixels."""
    radius = max(1, round(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).to(frames)
    channels = frames.shape[1]
    padded = F.pad(frames, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, taps.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(rows, taps.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)


def offsets(size: int) -> tuple[Tensor, Tensor]:
    """Distances ``(y, x)`` of a kernel's taps from its centre, each ``(size, size)``."""
    line = torch.arange(size, dtype=torch.float64) - size // 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    return y, x


def squared_distance(size: int, sigma_x: float, sigma_y: float, angle: float) -> Tensor:
    """``Cᵀ Σ⁻¹ C`` of every tap: axes ``sigma_x`` and ``sigma_y`` in pixels, turned by ``angle``."""
    y, x = offsets(size)
    along, across = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def gaussian_kernel(size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, exponent: float = 1.0) -> Tensor:
    """``exp(−½ (Cᵀ Σ⁻¹ C)^β)``, sum 1, ``(size, size)``; another ``exponent`` β than 1 makes it a generalised Gaussian."""
    kernel = torch.exp(-0.5 * squared_distance(size, sigma_x, sigma_y, angle) ** exponent)
    return kernel / kernel.sum()


def plateau_kernel(size: int, sigma_x: float, sigma_y: float, angle: float, exponent: float) -> Tensor:
    """``1 / (1 + (Cᵀ Σ⁻¹ C)^β)``, sum 1, ``(size, size)``."""
    kernel: Tensor = 1 / (1 + squared_distance(size, sigma_x, sigma_y, angle) ** exponent)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> Tensor:
    """The circular low-pass ``ω J₁(ωr) / (2πr)``, sum 1, ``(size, size)``; ``cutoff`` ω in radians per pixel, at most π."""
    radius = torch.hypot(*offsets(size))
    centre = radius == 0
    radius[centre] = 1.0
    kernel: Tensor = cutoff * torch.special.bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[centre] = cutoff**2 / (4 * math.pi)
    return kernel / kernel.sum()


def filtered(frames: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """Each of ``(frames, channels, h, w)`` filtered with its own kernel, the picture mirrored at its borders.

    Kernels are of one odd size, below twice the shorter side. Fourier transforms make the time independent of the size.
    """
    height, width = frames.shape[-2:]
    size = kernels[0].shape[0]
    radius = size // 2
    padded = F.pad(frames, (radius,) * 4, mode="reflect")
    shape = (height + 2 * radius, width + 2 * radius)
    taps = F.pad(torch.stack(list(kernels)).to(frames), (0, shape[1] - size, 0, shape[0] - size))
    # moved so that the tap in the middle acts on the pixel itself
    response = torch.fft.rfft2(taps.roll((-radius, -radius), (1, 2))).unsqueeze(1)
    result: Tensor = torch.fft.irfft2(torch.fft.rfft2(padded) * response, s=shape)
    return result[..., radius:-radius, radius:-radius]


def kernel_size(rng: random.Random, frames: Tensor) -> int:
    """One of `SIZES`, or the largest that mirroring at the borders of smaller pictures allows."""
    return min(rng.choice(SIZES), 2 * min(frames.shape[-2:]) - 1)


def sinc_blur(frames: Tensor, rng: random.Random, cutoff: Range | None = None) -> Tensor:
    """Low-pass with ringing at edges; ``cutoff`` in radians per pixel, by default π/3 or (kernels from 13 on) π/5 up to π."""
    size = kernel_size(rng, frames)
    bounds = cutoff or (math.pi / (3 if size < 13 else 5), math.pi)
    return filtered(frames, [sinc_kernel(size, omega) for omega in walk(rng, bounds, 0.0628, len(frames))])


def random_blur(frames: Tensor, rng: random.Random, sigma: Range) -> Tensor:
    """A random kernel of `KERNEL_SHARES` with ``sigma`` in pixels; its parameters drift from frame to frame."""
    kind = rng.choices(list(KERNEL_SHARES), list(KERNEL_SHARES.values()))[0]
    if kind == "sinc":
        return sinc_blur(frames, rng)
    size, count = kernel_size(rng, frames), len(frames)
    sigma_x = walk(rng, sigma, 0.02, count)
    sigma_y, angle = sigma_x, [0.0] * count
    if "anisotropic" in kind:
        sigma_y, angle = walk(rng, sigma, 0.02, count), walk(rng, (-math.pi, math.pi), math.pi / 10, count)
    shape = kind.split()[0]
    exponent = walk(rng, *EXPONENTS[shape], count) if shape in EXPONENTS else [1.0] * count
    build = plateau_kernel if shape == "plateau" else gaussian_kernel
    return filtered(frames, [build(size, *parameters) for parameters in zip(sigma_x, sigma_y, angle, exponent, strict=True)])
