"""EDM preconditioning with ``σ_data = 1`` and v-prediction (Karras et al. 2022, arXiv 2206.00364, table 1; SVD's own)."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Preconditioning:
    """Coefficients of one noise level: ``denoised = c_skip · x + c_out · F(c_in · x; c_noise)``."""

    c_in: Tensor
    c_noise: Tensor
    c_skip: Tensor
    c_out: Tensor


def precondition(sigma: Tensor) -> Preconditioning:
    """The coefficients at ``sigma`` (any shape), each of the same shape."""
    square = sigma**2 + 1  # the variance of x, as σ_data = 1: with c_in the network sees unit variance at every level
    return Preconditioning(
        c_in=square.rsqrt(),
        c_noise=0.25 * sigma.log(),
        c_skip=1 / square,
        c_out=-sigma * square.rsqrt(),
    )


def euler_step(x: Tensor, denoised: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """An Euler step of the probability-flow ODE ``dx/dσ = (x − x̂_0) / σ`` (Karras et al. 2022, eq. 1 and algorithm 1).

    Args:
        x, denoised: ``(…, channels, height, width)``; the second is the estimate ``x̂_0`` of the first.
        sigma, sigma_next: noise level before and after the step.

    Returns:
        Shaped like ``x``.
    """
    # x + (σ′ − σ) dx/dσ is the same, but in float32 it cancels: from σ = 700 it loses three decimals of x̂_0
    return denoised + (x - denoised) * (sigma_next / sigma)
