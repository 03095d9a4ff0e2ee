"""Pictures of latents while they are sampled, for next to nothing; the final result is the autoencoder's.

Tiny decoders of Stable Diffusion's latents come in the layout of madebyollin's TAESDV (for video: every block also sees what it
got for the frame before) or TAESD (for pictures). Without one, a linear map of latents to colours is fitted to frames whose
latents are known: those of the enlarged input.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.vae import VaeFirstStage, decoded_in_tiles

TINY_WIDTH = 64
"""Channels of every layer of a tiny decoder."""
TINY_CHANNELS, TINY_FACTOR = 4, 8
"""Latent channels, and pixels per latent along an axis, that tiny decoders are made for."""
LOOK_BACK = 2
"""Frames before the one that is shown that a decoder for video sees; its ten blocks could look ten back."""
RIDGE = 1e-6
"""How much small coefficients of the linear map are preferred: a clip of one colour would leave them open."""


class LinearPreview:
    """A linear map of latents to RGB by least squares, kept as sums over all that it has been shown."""

    def __init__(self, channels: int) -> None:
        self._products = torch.zeros(channels + 1, channels + 1, dtype=torch.float64)
        self._targets = torch.zeros(channels + 1, 3, dtype=torch.float64)

    def learn(self, latents: Tensor, pixels: Tensor) -> None:
        """Take frames into account whose latents are known.

        Args:
            latents: ``x_0`` of them ``(frames, channels, height, width)``.
            pixels: RGB 0..1 ``(frames, 3, factor · height, factor · width)``.
        """
        height, width = latents.shape[-2:]
        colors = F.adaptive_avg_pool2d(pixels, (height, width))
        known, wanted = (part.movedim(1, -1).flatten(0, 2).double().cpu() for part in (latents, colors))
        known = F.pad(known, (0, 1), value=1.0)  # an offset
        self._products += known.T @ known
        self._targets += known.T @ wanted

    def __call__(self, latents: Tensor) -> Tensor:
        """Map ``(frames, channels, height, width)`` to RGB ``(frames, 3, height, width)``."""
        ridge = RIDGE * self._products.diagonal().mean() * torch.eye(len(self._products), dtype=torch.float64)
        weights = torch.linalg.solve(self._products + ridge, self._targets).to(latents)
        colors: Tensor = torch.einsum("nchw,cd->ndhw", latents, weights[:-1]) + weights[-1].view(1, 3, 1, 1)
        return colors


class TinyBlock(nn.Module):
    """Three convolutions around which the input is added.

    Attributes:
        conv: the convolutions.
        remembers: whether they see what this block got for the frame before, too.
    """

    def __init__(self, remembers: bool) -> None:
        super().__init__()
        self.remembers = remembers
        self.conv = nn.Sequential(
            convolution(2 * TINY_WIDTH if remembers else TINY_WIDTH), nn.ReLU(), convolution(), nn.ReLU(), convolution()
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(frames, channels, height, width)``, in order of time, to the same shape."""
        # before the first frame there is nothing
        seen = torch.cat([x, F.pad(x[:-1], (0, 0, 0, 0, 0, 0, 1, 0))], dim=1) if self.remembers else x
        return F.relu(self.conv(seen) + x)


def convolution(channels: int = TINY_WIDTH, out: int = TINY_WIDTH, bias: bool = True) -> nn.Conv2d:
    """A convolution (3, 3) that keeps the picture's size."""
    return nn.Conv2d(channels, out, 3, padding=1, bias=bias)


class TinyDecoder(nn.Module):
    """A decoder of Stable Diffusion's latents in the layout of TAESDV, or of TAESD.

    Attributes:
        remembers: whether it is one for video.
        layers: numbered as in the published files.
    """

    def __init__(self, remembers: bool) -> None:
        super().__init__()
        self.remembers = remembers
        enlarging = [
            layer
            for _ in range(3)
            for layer in (*(TinyBlock(remembers) for _ in range(3)), nn.Upsample(scale_factor=2), convolution(bias=False))
        ]
        self.layers = nn.Sequential(
            nn.Identity(), convolution(TINY_CHANNELS), nn.ReLU(), *enlarging, TinyBlock(remembers), convolution(out=3)
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tensor:
        """Decode ``x_0`` in scaled space ``(frames, channels, h, w)``, in order of time, to RGB 0..1 ``(frames, 3, 8h, 8w)``."""
        pictures: Tensor = self.layers(3 * torch.tanh(latents / 3))  # outliers would spread
        return pictures

    @torch.no_grad()
    def decode_tile(self, latents: Tensor) -> Tensor:
        """See `forward`; computed where and as the weights are, and returned to the host in float32."""
        weight = next(self.parameters())
        decoded: Tensor = self(latents.to(weight.device, weight.dtype))
        return decoded.float().cpu()


def load_tiny_decoder(file: Path) -> TinyDecoder:
    """Load a tiny decoder, alone or with its encoder beside it; raises `ModelError` where the file holds none."""
    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file} is damaged or no safetensors file ({error}); get it again, or remove it.") from None
    found = {name.removeprefix("decoder."): value for name, value in weights.items() if not name.startswith("encoder.")}
    first = found.get("3.conv.0.weight")
    decoder = TinyDecoder(remembers=first is not None and first.shape[1] == 2 * TINY_WIDTH)
    if {name: value.shape for name, value in found.items()} != {n: v.shape for n, v in decoder.layers.state_dict().items()}:
        raise ModelError(f"{file} holds no decoder in the layout of TAESD or TAESDV; remove it.")
    decoder.layers.load_state_dict(found)
    return decoder.requires_grad_(False).eval()


class LatentPreview:
    """Shows a frame of a `VaeFirstStage`'s latents: by a tiny decoder where there is one, else by colours fitted to known frames.

    Attributes:
        stage: whose latents they are.
        decoder: the tiny decoder.
    """

    def __init__(self, stage: VaeFirstStage, decoder: TinyDecoder | None = None) -> None:
        self.stage, self.decoder = stage, decoder
        self._colors = LinearPreview(stage.latent_channels)

    def learn(self, condition: Tensor, pixels: Tensor) -> None:
        """Take some frames of the enlarged input into account.

        Args:
            condition: ``l`` of them ``(frames, channels, height, width)``.
            pixels: RGB 0..1 ``(frames, 3, factor · height, factor · width)``.
        """
        if self.decoder is None:
            self._colors.learn(self.stage.as_target(condition), pixels)

    def __call__(self, latents: Tensor, position: int) -> Tensor:
        """Show a frame of ``x_0`` ``(frames, channels, h, w)``: RGB ``(1, 3, factor · h, factor · w)``, not clamped."""
        if self.decoder is None:
            colors = self._colors(latents[position : position + 1])
            return F.interpolate(colors, scale_factor=self.stage.factor, mode="bilinear")
        first = max(0, position - LOOK_BACK) if self.decoder.remembers else position
        part, shown = latents[first : position + 1], slice(position - first, position - first + 1)
        return decoded_in_tiles(part, shown, self.stage.factor, self.decoder.decode_tile)


def preview_of(stage: object, decoder: TinyDecoder | None) -> LatentPreview | None:
    """What shows latents of a first stage; ``None`` where decoding itself costs next to nothing."""
    return LatentPreview(stage, decoder) if isinstance(stage, VaeFirstStage) else None
