"""Guidance: how the estimates of a step's branches combine (method.md §5).

All formulas are written for ``x̂_0``; ε, v and x̂_0 are affine in each other at fixed x and σ, so it makes no difference.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.diffusion.branch import CONDITIONAL, Branch

SAG_BLUR = 1.0
"""Standard deviation of SAG's blur in latent pixels (Hong et al. 2023)."""


def combine(denoised: dict[Branch, Tensor], scale: float, perturbation: float = 1.0) -> Tensor:
    """Combine to ``u + (1+s)(c − u)`` (eq. 9), plus PAG's ``s (c − p)`` where a perturbed branch was evaluated.

    Args:
        denoised: estimates of any shape, the same for all branches.
        scale: ``1 + s``.
        perturbation: PAG's own scale as a multiple of s; equal to it by default [C].
    """
    # u + (1+s)(c − u) = c + s (c − u): every other branch pushes away from itself alike
    conditional = denoised[CONDITIONAL]
    guided = conditional
    for branch, estimate in denoised.items():
        if branch != CONDITIONAL:
            guided = guided + (scale - 1) * (perturbation if branch.identity else 1.0) * (conditional - estimate)
    return guided


def degrade(x: Tensor, denoised: Tensor, mass: Tensor) -> Tensor:
    """SAG's degraded input: ``x̂_0`` blurred where attention is above average, the noise of ``x`` kept (Hong et al. 2023, eq. 11).

    Args:
        x, denoised: ``(rows, frames, channels, height, width)``.
        mass: attention received per token of the middle block ``(rows · frames, tokens)``.

    Returns:
        Shaped like ``x``.
    """
    height, width = x.shape[-2:]
    stride = round((height * width / mass.shape[-1]) ** 0.5)
    mask = (mass > 1).float()  # mean attention is 1 token's worth: above it lies what the network looks at
    mask = mask.view(-1, 1, height // stride, width // stride)
    mask = F.interpolate(mask, size=(height, width)).to(x).view(*x.shape[:2], 1, height, width)
    blurred = gaussian_blur(denoised.flatten(0, 1)).view_as(denoised)
    return x + mask * (blurred - denoised)


def gaussian_blur(x: Tensor, sigma: float = SAG_BLUR) -> Tensor:
    """Blur ``(n, channels, height, width)`` with a 9-tap Gaussian of ``sigma`` pixels, reflected at the edges; shaped like it."""
    taps = torch.exp(-0.5 * (torch.arange(-4, 5, device=x.device) / sigma) ** 2)
    taps = (taps / taps.sum()).to(x).expand(x.shape[1], 1, 1, -1)
    height, width = (reflected(size, 4).to(x.device) for size in x.shape[-2:])
    padded = x[..., height, :][..., width]
    # separable, each channel by itself
    rows = F.conv2d(padded, taps, groups=x.shape[1])
    return F.conv2d(rows, taps.transpose(-1, -2), groups=x.shape[1])


def reflected(size: int, margin: int) -> Tensor:
    """Index an axis of ``size`` with ``margin`` reflected places at either end; reflects again where the axis is too short."""
    period = max(1, 2 * (size - 1))
    places = torch.arange(-margin, size + margin).abs() % period
    return torch.minimum(places, period - places)
