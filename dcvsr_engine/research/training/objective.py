"""The EDM denoising objective and the passes around it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.resnet import SpatioTemporalResBlock
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from torch import Tensor, nn

from dcvsr_engine.diffusion.edm import precondition

Distance = Callable[[Tensor, Tensor], Tensor]
"""Of pictures ``(n, 3, h, w)`` and others, ``(n,)``."""


class Identity(nn.Module):
    """Takes the place of a temporal layer and hands its first argument on."""

    def forward(self, hidden_states: Tensor, *args: object, **kwargs: object) -> Tensor:
        """The first argument."""
        return hidden_states


class SpatialOnly(nn.Module):
    """Takes the place of an `AlphaBlender` and keeps the spatial branch."""

    def forward(self, x_spatial: Tensor, x_temporal: Tensor, image_only_indicator: Tensor) -> Tensor:
        """The spatial branch."""
        return x_spatial


@contextmanager
def without_temporal_layers(unet: UNetSpatioTemporalConditionModel) -> Iterator[None]:
    """Skip every temporal layer of ``unet``: single frames are trained without their cost."""
    saved: list[tuple[nn.Module, str, nn.Module]] = []

    def swap(module: nn.Module, name: str, substitute: nn.Module) -> None:
        saved.append((module, name, getattr(module, name)))
        setattr(module, name, substitute)

    for module in list(unet.modules()):
        if isinstance(module, SpatioTemporalResBlock):
            swap(module, "temporal_res_block", Identity())
            swap(module, "time_mixer", SpatialOnly())
        elif isinstance(module, TransformerSpatioTemporalModel):
            swap(module, "temporal_transformer_blocks", nn.ModuleList([Identity() for _ in module.transformer_blocks]))
            swap(module, "time_mixer", SpatialOnly())
    try:
        yield
    finally:
        for module, name, original in reversed(saved):
            setattr(module, name, original)


@torch.no_grad()
def silence_temporal_layers(unet: UNetSpatioTemporalConditionModel) -> None:
    """Zero the last layer of every temporal branch, so that training on clips starts from what single frames have taught."""
    silent: list[nn.Module] = []
    for module in unet.modules():
        if isinstance(module, SpatioTemporalResBlock):
            silent.append(module.temporal_res_block.conv2)
        elif isinstance(module, TransformerSpatioTemporalModel):
            silent.append(module.time_pos_embed.linear_2)
            for block in module.temporal_transformer_blocks:
                silent += [block.ff_in.net[-1], block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[-1]]
    for layer in silent:
        for parameter in layer.parameters():
            parameter.zero_()


def draw_sigmas(
    count: int,
    generator: torch.Generator,
    sigma_min: float,
    sigma_max: float,
    at_max: float = 0.5,
    mean: float = -0.3,
    deviation: float = 1.3,
) -> Tensor:
    """Training noise levels ``(count,)``: ``ln σ ~ N(mean, deviation)`` clamped to the range, a share ``at_max`` at σ_max."""
    sigmas = torch.exp(torch.randn(count, generator=generator) * deviation + mean).clamp(sigma_min, sigma_max)
    first = torch.rand(count, generator=generator) < at_max
    return torch.where(first, torch.full_like(sigmas, sigma_max), sigmas)


def training_noise(shape: torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """Unit noise ``(batch, frames, …)`` of which ``share`` of the variance is common to the frames of a clip."""
    own = torch.randn(shape, generator=generator)
    common = torch.randn(shape[0], 1, *shape[2:], generator=generator)
    return math.sqrt(share) * common + math.sqrt(1 - share) * own


@dataclass(frozen=True)
class Conditioning:
    """What the network is told beside the noisy latents.

    Attributes:
        condition: ``l`` ``(batch, frames, channels, h, w)``.
        embedding: of the first frame ``(batch, 1, width)``, zeros for a network without one.
        ids: added time ids ``(batch, n)``.
    """

    condition: Tensor
    embedding: Tensor
    ids: Tensor

    def dropped(self, keep: Tensor, names: tuple[str, ...]) -> "Conditioning":
        """Without what ``names`` (a declaration's ``unconditional``) lists for the clips where ``keep`` ``(batch,)`` is false."""
        condition = self.condition * keep.view(-1, 1, 1, 1, 1) if "condition" in names else self.condition
        embedding = self.embedding * keep.view(-1, 1, 1) if "image_embedding" in names else self.embedding
        return Conditioning(condition, embedding, self.ids)


def denoise(network: nn.Module, noisy: Tensor, sigma: Tensor, told: Conditioning) -> Tensor:
    """``x̂_0`` of ``noisy`` ``(batch, frames, channels, h, w)`` at ``sigma`` ``(batch,)``, float32."""
    c = precondition(sigma.view(-1, 1, 1, 1, 1))
    sample = torch.cat([c.c_in * noisy, told.condition], dim=2)
    prediction = network(sample, c.c_noise.flatten(), encoder_hidden_states=told.embedding, added_time_ids=told.ids).sample
    estimate: Tensor = c.c_skip * noisy + c.c_out * prediction.float()
    return estimate


def edm_loss(denoised: Tensor, target: Tensor, sigma: Tensor) -> Tensor:
    """Loss per sample ``(batch,)``: λ(σ) ‖x̂_0 − x_0‖² with λ = 1/c_out² (Karras et al. 2022, table 1)."""
    weight = 1 + 1 / sigma**2
    error: Tensor = (denoised - target).pow(2).flatten(1).mean(1)
    return weight * error


def judged_crops(
    restored: Tensor, reference: Tensor, generator: torch.Generator, frames: int = 1, size: int = 72
) -> tuple[Tensor, Tensor]:
    """One random crop of ``frames`` successive frames per clip of each ``(batch, all frames, 3, h, w)``.

    The perceptual network is dear on a processor, so it does not see everything: ``(batch, frames, 3, size, size)`` of each.
    """
    count, side = restored.shape[1], restored.shape[-1]
    crops = []
    for clip in range(len(restored)):
        spans = (count - frames + 1, side - size + 1, side - size + 1)
        first, y, x = (int(torch.randint(n, (1,), generator=generator)) for n in spans)
        crops.append((clip, slice(first, first + frames), slice(None), slice(y, y + size), slice(x, x + size)))
    pictures, references = (torch.stack([clips[crop] for crop in crops]) for clips in (restored, reference))
    return pictures, references


def change_in_look(distance: Distance, restored: Tensor, reference: Tensor) -> Tensor:
    """How much further apart, or nearer, than in ``reference`` two successive frames look; a number.

    tLP of Chu et al. (2020), over clips ``(batch, frames, 3, h, w)``. It minds flicker in what a moving picture shows, where
    `change_error` asks for the motion of every pixel too.
    """
    apart, wanted = (distance(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)) for clips in (restored, reference))
    return (apart - wanted).abs().mean()


def lattice_error(error: Tensor, factor: int) -> Tensor:
    """How much of ``error`` ``(n, channels, h, w)`` repeats with the period of the latent grid; a number.

    Neither the EDM nor a shift-tolerant perceptual loss minds a faint grid in flat areas, an eye does. Local means over 6 × 6
    latents of each of the ``factor²`` places within a latent should be alike; the mean of how far they are apart is returned.
    """
    places = F.pixel_unshuffle(error, factor).unflatten(1, (error.shape[1], factor**2))
    local = F.avg_pool2d(places.flatten(0, 1), 6, stride=3).unflatten(0, places.shape[:2])
    apart: Tensor = (local - local.mean(2, keepdim=True)).abs()
    return apart.mean()


def change_error(restored: Tensor, reference: Tensor) -> Tensor:
    """How much clips ``(batch, frames, 3, h, w)`` change otherwise than ``reference`` from frame to frame; a number."""
    error = restored - reference
    apart: Tensor = (error[:, 1:] - error[:, :-1]).abs()
    return apart.mean()
