"""The compact model's first stage: a fixed Haar packet transform of the residual over bicubic.

No network: YCbCr, two orthonormal Haar levels, 24 channels at a quarter of the resolution (all 16 bands of
Y, the 4 bands of the coarse half of Cb and of Cr). The latent is the residual ``(H(I) − H(I_up)) / residual_scale``
and the condition ``H(I_up) / condition_scale``, so content the network leaves alone stays untouched.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.network.first_stage import HAAR
from dcvsr_engine.storage import read_json

# JPEG's full-range matrix. In double precision, so that its inverse undoes it to the last bit of single precision.
RGB_TO_YCBCR = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=torch.float64
)
YCBCR_TO_RGB = torch.linalg.inv(RGB_TO_YCBCR)


def haar(x: Tensor) -> Tensor:
    """Transform by one orthonormal Haar level: ``(n, c, h, w)`` to ``(n, 4c, h/2, w/2)``, band major."""
    a, b = x[..., 0::2, 0::2], x[..., 0::2, 1::2]
    c, d = x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    return torch.cat([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], dim=1) / 2


def inverse_haar(x: Tensor) -> Tensor:
    """Invert `haar` exactly: ``(n, 4c, h, w)`` to ``(n, c, 2h, 2w)``."""
    s, dx, dy, dd = x.chunk(4, dim=1)
    rows = torch.stack([s + dx + dy + dd, s - dx + dy - dd], dim=-1), torch.stack([s + dx - dy - dd, s - dx - dy + dd], dim=-1)
    n, c, h, w = s.shape
    return torch.stack([row.reshape(n, c, h, 2 * w) for row in rows], dim=-2).reshape(n, c, 2 * h, 2 * w) / 2


def matrix(pixels: Tensor, coefficients: Tensor) -> Tensor:
    """Apply a 3×3 colour matrix to ``(n, 3, h, w)``."""
    return torch.einsum("ij,njhw->nihw", coefficients.to(pixels), pixels)


def split(frames: Tensor) -> Tensor:
    """Split RGB 0..1 ``(n, 3, h, w)`` into 24 bands ``(n, 24, h/4, w/4)``."""
    ycbcr = matrix(2 * frames - 1, RGB_TO_YCBCR)
    luma = haar(haar(ycbcr[:, :1]))
    chroma = haar(haar(ycbcr[:, 1:])[:, :2])  # band major: the first two are the coarse halves of Cb and Cr
    return torch.cat([luma, chroma], dim=1)


def merge(bands: Tensor) -> Tensor:
    """Merge a difference of bands ``(n, 24, h, w)`` into one of RGB ``(n, 3, 4h, 4w)``; missing chroma bands are zero."""
    luma = inverse_haar(inverse_haar(bands[:, :16]))
    coarse = inverse_haar(bands[:, 16:])
    chroma = F.interpolate(coarse / 2, scale_factor=2)  # without details
    return matrix(torch.cat([luma, chroma], dim=1), YCBCR_TO_RGB) / 2


# Both are linear in blocks of 4 × 4 pixels: one product of matrices does for either, in a quarter of the time.
BLACK = split(torch.zeros(1, 3, 4, 4, dtype=torch.float64))
"""The bands of black, ``(1, 24, 1, 1)``."""
ANALYSIS = (split(torch.eye(48, dtype=torch.float64).view(48, 3, 4, 4)) - BLACK).flatten(1).T
"""`split` as a matrix over the pixels of a block in the order of a pixel shuffle, apart from `BLACK`: ``(24, 48)``."""
SYNTHESIS = merge(torch.eye(24, dtype=torch.float64).view(24, 24, 1, 1)).flatten(1).T
"""`merge` as a matrix, ``(48, 24)``."""


class HaarFirstStage:
    """Pixels to latents and back for the compact model; the same interface as `network.vae.VaeFirstStage`.

    Attributes:
        factor: pixels per latent along an axis.
        latent_channels, condition_channels: channels of ``x_0`` and of ``l``.
        residual_scale, condition_scale: what the channels of ``x_0`` and of ``l`` are divided by ``(1, 24, 1, 1)``.
    """

    factor = 4
    latent_channels = HAAR.latent_channels
    condition_channels = HAAR.condition_channels

    def __init__(self, residual_scale: list[float], condition_scale: list[float]) -> None:
        if len(residual_scale) != self.latent_channels or len(condition_scale) != self.condition_channels:
            raise ValueError(f"there must be {self.latent_channels} scales of each kind")
        if not min(*residual_scale, *condition_scale) > 0:
            raise ValueError("scales must be positive")
        self.residual_scale = torch.tensor(residual_scale).view(1, -1, 1, 1)
        self.condition_scale = torch.tensor(condition_scale).view(1, -1, 1, 1)

    @classmethod
    def from_file(cls, path: Path) -> "HaarFirstStage":
        """Read ``residual_scale`` and ``condition_scale`` (24 numbers each) from JSON."""
        scales = read_json(path)
        return cls(scales["residual_scale"], scales["condition_scale"])

    def transform(self, difference: Tensor) -> Tensor:
        """Split a difference of RGB 0..1 ``(frames, 3, height, width)`` into 24 bands ``(frames, 24, height/4, width/4)``."""
        blocks = F.pixel_unshuffle(difference, self.factor)
        return torch.einsum("bp,nphw->nbhw", ANALYSIS.to(blocks), blocks)

    def inverse(self, bands: Tensor) -> Tensor:
        """Merge a difference of bands ``(frames, 24, height/4, width/4)``; the chroma bands that are missing are zero.

        Returns:
            The difference of RGB ``(frames, 3, height, width)`` in units of 0..1.
        """
        return F.pixel_shuffle(torch.einsum("pb,nbhw->nphw", SYNTHESIS.to(bands), bands), self.factor)

    def encode_condition(self, upscaled: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Encode the enlarged input.

        Args:
            upscaled: RGB 0..1 ``(frames, 3, height, width)``.
            check: called before every tile, which is all of ``upscaled`` here; raises to stop.

        Returns:
            ``l`` ``(frames, 24, height / 4, width / 4)``.
        """
        check()
        return (self.transform(upscaled) + BLACK.to(upscaled)) / self.condition_scale.to(upscaled)

    def encode_target(self, frames: Tensor, upscaled: Tensor) -> Tensor:
        """Encode frames to train towards.

        Args:
            frames, upscaled: RGB 0..1 ``(frames, 3, height, width)``; the second is the enlarged input.

        Returns:
            ``x_0`` ``(frames, 24, height / 4, width / 4)``; with ``upscaled``, `decode` turns it back into ``frames``.
        """
        return self.transform(frames - upscaled) / self.residual_scale.to(frames)

    def decode(self, latents: Tensor, upscaled: Tensor, check: Callable[[], None] = lambda: None, before: int = 0) -> Tensor:
        """Add the residual that ``latents`` stand for to the enlarged input.

        Args:
            latents: ``x_0`` ``(frames, 24, height / 4, width / 4)``; frames stand alone, so neighbours are not used.
            upscaled: RGB 0..1 ``(wanted frames, 3, height, width)``.
            check: called before every tile, which is all of ``latents`` here; raises to stop.
            before: how many neighbours come before the wanted frames.

        Returns:
            RGB frames ``(wanted frames, 3, height, width)``, not clamped.
        """
        check()
        latents = latents[before : before + len(upscaled)]
        return upscaled + self.inverse(latents * self.residual_scale.to(latents))
