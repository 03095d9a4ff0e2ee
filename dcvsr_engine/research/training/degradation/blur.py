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
"""Kernels and their probabilities (Real-ESRGAN's)."""

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
    """Compute the distances ``(y, x)`` of a kernel's taps from its centre, each ``(size, size)``."""
    line = torch.arange(size, dtype=torch.float64) - size // 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    return y, x


def squared_distance(size: int, sigma_x: float, sigma_y: float, angle: float) -> Tensor:
    """Compute ``Cᵀ Σ⁻¹ C`` of every tap ``(size, size)``: axes of σ ``sigma_x`` and ``sigma_y``, turned by ``angle``."""
    y, x = offsets(size)
    along, across = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def gaussian_kernel(size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, exponent: float = 1.0) -> Tensor:
    """Compute ``exp(−½ (Cᵀ Σ⁻¹ C)^β)``, sum 1, ``(size, size)``; an ``exponent`` β other than 1 generalises the Gaussian."""
    kernel = torch.exp(-0.5 * squared_distance(size, sigma_x, sigma_y, angle) ** exponent)
    return kernel / kernel.sum()


def plateau_kernel(size: int, sigma_x: float, sigma_y: float, angle: float, exponent: float) -> Tensor:
    """Compute ``1 / (1 + (Cᵀ Σ⁻¹ C)^β)``, sum 1, ``(size, size)``; β is the ``exponent``."""
    kernel: Tensor = 1 / (1 + squared_distance(size, sigma_x, sigma_y, angle) ** exponent)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> Tensor:
    """Compute the circular low-pass ``ω J₁(ωr) / (2πr)``, sum 1, ``(size, size)``; ``cutoff`` ω ≤ π in radians per pixel."""
    radius = torch.hypot(*offsets(size))
    centre = radius == 0
    radius[centre] = 1.0  # the limit at r = 0 is set below
    kernel: Tensor = cutoff * torch.special.bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[centre] = cutoff**2 / (4 * math.pi)
    return kernel / kernel.sum()


def filtered(frames: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """Filter each frame with its own kernel, the picture mirrored at its borders.

    Fourier transforms make the time independent of the kernels' size.

    Args:
        frames: ``(frames, channels, h, w)``.
        kernels: one per frame, all of one odd size below twice the shorter side.
    """
    height, width = frames.shape[-2:]
    size = kernels[0].shape[0]
    radius = size // 2
    padded = F.pad(frames, (radius,) * 4, mode="reflect")
    shape = (height + 2 * radius, width + 2 * radius)
    taps = F.pad(torch.stack(list(kernels)).to(frames), (0, shape[1] - size, 0, shape[0] - size))
    # rolled so that the kernel's centre acts on the pixel itself
    response = torch.fft.rfft2(taps.roll((-radius, -radius), (1, 2))).unsqueeze(1)
    result: Tensor = torch.fft.irfft2(torch.fft.rfft2(padded) * response, s=shape)
    return result[..., radius:-radius, radius:-radius]


def kernel_size(rng: random.Random, frames: Tensor) -> int:
    """Draw one of `SIZES`, or the largest size that mirroring at the borders of smaller pictures allows."""
    return min(rng.choice(SIZES), 2 * min(frames.shape[-2:]) - 1)


def sinc_blur(frames: Tensor, rng: random.Random, cutoff: Range | None = None) -> Tensor:
    """Filter ``(frames, 3, h, w)`` with a low-pass that rings at edges.

    Args:
        frames: ``(frames, 3, h, w)``.
        rng: source of random numbers.
        cutoff: range in radians per pixel; by default from π/3, or π/5 for kernels of 13 pixels and more, to π.
    """
    size = kernel_size(rng, frames)
    bounds = cutoff or (math.pi / (3 if size < 13 else 5), math.pi)
    return filtered(frames, [sinc_kernel(size, omega) for omega in walk(rng, bounds, 0.0628, len(frames))])


def random_blur(frames: Tensor, rng: random.Random, sigma: Range) -> Tensor:
    """Blur ``(frames, 3, h, w)`` with a random kernel, its σ from the range ``sigma`` in pixels; parameters drift over frames."""
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
