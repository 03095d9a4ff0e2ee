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
"""Distances ``(n,)`` of two batches of pictures ``(n, 3, h, w)``."""


class PassThrough(nn.Module):
    """Substitute of a temporal layer that passes its input through."""

    def forward(self, hidden_states: Tensor, *args: object, **kwargs: object) -> Tensor:
        """Return the first argument."""
        return hidden_states


class SpatialOnly(nn.Module):
    """Substitute of diffusers' ``AlphaBlender`` that keeps the spatial branch."""

    def forward(self, x_spatial: Tensor, x_temporal: Tensor, image_only_indicator: Tensor) -> Tensor:
        """Return the spatial branch."""
        return x_spatial


@contextmanager
def without_temporal_layers(unet: UNetSpatioTemporalConditionModel) -> Iterator[None]:
    """Skip every temporal layer of ``unet`` inside, so that single frames are trained without their cost."""
    saved: list[tuple[nn.Module, str, nn.Module]] = []

    def swap(module: nn.Module, name: str, substitute: nn.Module) -> None:
        saved.append((module, name, module.get_submodule(name)))
        module.add_module(name, substitute)

    for module in list(unet.modules()):
        if isinstance(module, SpatioTemporalResBlock):
            swap(module, "temporal_res_block", PassThrough())
            swap(module, "time_mixer", SpatialOnly())
        elif isinstance(module, TransformerSpatioTemporalModel):
            swap(module, "temporal_transformer_blocks", nn.ModuleList([PassThrough() for _ in module.transformer_blocks]))
            swap(module, "time_mixer", SpatialOnly())
    try:
        yield
    finally:
        for module, name, original in reversed(saved):
            module.add_module(name, original)


@torch.no_grad()
def silence_temporal_layers(unet: UNetSpatioTemporalConditionModel) -> None:
    """Zero the last layer of every temporal branch, so that training on clips starts from what single frames have taught."""
    last_layers: list[nn.Module] = []
    for module in unet.modules():
        if isinstance(module, SpatioTemporalResBlock):
            last_layers.append(module.temporal_res_block.conv2)
        elif isinstance(module, TransformerSpatioTemporalModel):
            last_layers.append(module.time_pos_embed.linear_2)
            for block in module.temporal_transformer_blocks:
                last_layers += [block.ff_in.net[-1], block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[-1]]
    for layer in last_layers:
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
    """Draw training noise levels (Karras et al. 2022, table 1).

    Args:
        count: how many.
        generator: source of random numbers.
        sigma_min, sigma_max: range that the levels are clamped to.
        at_max: share at σ_max, where sampling starts.
        mean, deviation: of ``ln σ ~ N(mean, deviation)``.

    Returns:
        ``(count,)``.
    """
    sigmas = torch.exp(torch.randn(count, generator=generator) * deviation + mean).clamp(sigma_min, sigma_max)
    # drawn even where at_max is 0: the random numbers that follow stay the same
    first = torch.rand(count, generator=generator) < at_max
    return torch.where(first, torch.full_like(sigmas, sigma_max), sigmas)


def training_noise(shape: torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """Draw unit noise of ``shape`` ``(batch, frames, …)``; the frames of a clip have ``share`` of the variance in common."""
    own = torch.randn(shape, generator=generator, device=generator.device)
    common = torch.randn(shape[0], 1, *shape[2:], generator=generator, device=generator.device)
    # variances add up to 1
    return math.sqrt(share) * common + math.sqrt(1 - share) * own


@dataclass(frozen=True)
class Conditioning:
    """Inputs of the network beside the noisy latents.

    Attributes:
        condition: ``l`` ``(batch, frames, channels, h, w)``.
        embedding: image embedding of the first frame ``(batch, 1, width)``; zeros for a network without one.
        ids: added time ids ``(batch, n)``.
    """

    condition: Tensor
    embedding: Tensor
    ids: Tensor

    def augmented(self, deviation: float, generator: torch.Generator) -> "Conditioning":
        """Add noise of a standard ``deviation`` to ``l`` (a declaration's ``condition_noise``)."""
        if deviation == 0:
            return self
        noise = torch.randn(self.condition.shape, generator=generator).to(self.condition)
        return Conditioning(self.condition + deviation * noise, self.embedding, self.ids)

    def dropped(self, keep: Tensor, names: tuple[str, ...]) -> "Conditioning":
        """Zero the inputs in ``names`` (a declaration's ``unconditional``) for the clips where ``keep`` ``(batch,)`` is false."""
        condition = self.condition * keep.view(-1, 1, 1, 1, 1) if "condition" in names else self.condition
        embedding = self.embedding * keep.view(-1, 1, 1) if "image_embedding" in names else self.embedding
        return Conditioning(condition, embedding, self.ids)


def denoise(network: nn.Module, noisy: Tensor, sigma: Tensor, conditioning: Conditioning) -> Tensor:
    """Estimate ``x̂_0`` of untiled clips (Karras et al. 2022, eq. 7).

    Args:
        network: the U-Net.
        noisy: latents ``(batch, frames, channels, h, w)``.
        sigma: noise levels ``(batch,)``.
        conditioning: the other inputs.

    Returns:
        Float32, shaped like ``noisy``.
    """
    c = precondition(sigma.view(-1, 1, 1, 1, 1))
    sample = torch.cat([c.c_in * noisy, conditioning.condition], dim=2)
    prediction = network(
        sample, c.c_noise.flatten(), encoder_hidden_states=conditioning.embedding, added_time_ids=conditioning.ids
    ).sample
    estimate: Tensor = c.c_skip * noisy + c.c_out * prediction.float()
    return estimate


def edm_loss(denoised: Tensor, target: Tensor, sigma: Tensor) -> Tensor:
    """Compute λ(σ) ‖x̂_0 − x_0‖² with λ = 1/c_out² (Karras et al. 2022, table 1).

    Args:
        denoised, target: ``(batch, …)``.
        sigma: noise levels ``(batch,)``; an infinite one gives weight 1.

    Returns:
        Loss per sample ``(batch,)``.
    """
    # 1 / c_out² for data of unit variance
    weight = 1 + 1 / sigma**2
    error: Tensor = (denoised - target).pow(2).flatten(1).mean(1)
    return weight * error


def judged_crops(
    restored: Tensor, reference: Tensor, generator: torch.Generator, frames: int = 1, size: int = 72
) -> tuple[Tensor, Tensor]:
    """Cut the same random crop out of restored and reference clips.

    The perceptual network is expensive on a processor, so it sees a part only.

    Args:
        restored, reference: clips ``(batch, all frames, 3, h, w)``.
        generator: source of random numbers.
        frames: successive frames per crop.
        size: side of a crop in pixels.

    Returns:
        Crops of both, ``(batch, frames, 3, size, size)``.
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
    """Compare the perceptual distance of successive frames with the reference's: tLP of Chu et al. (2020).

    It penalises flicker of what a moving picture shows, while `change_error` asks for the motion of every pixel too.

    Args:
        distance: a perceptual distance.
        restored, reference: clips ``(batch, frames, 3, h, w)``.

    Returns:
        Mean absolute difference of the distances, a scalar.
    """
    made, wanted = (distance(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)) for clips in (restored, reference))
    return (made - wanted).abs().mean()


def lattice_error(error: Tensor, factor: int) -> Tensor:
    """Measure the part of an error that repeats with the period of the latent grid.

    An eye sees a faint grid in flat areas; the EDM loss and a shift-tolerant perceptual loss do not penalise it. The local means
    over 6 × 6 latents should be equal for all ``factor²`` pixel positions within a latent.

    Args:
        error: ``(n, channels, h, w)``.
        factor: pixels per latent along an axis.

    Returns:
        Mean absolute deviation of the local means, a scalar.
    """
    positions = F.pixel_unshuffle(error, factor).unflatten(1, (error.shape[1], factor**2))
    # half-overlapping areas, so that a grid anywhere is inside one of them
    local = F.avg_pool2d(positions.flatten(0, 1), 6, stride=3).unflatten(0, positions.shape[:2])
    deviation: Tensor = (local - local.mean(2, keepdim=True)).abs()
    return deviation.mean()


def excess_detail(restored: Tensor, reference: Tensor) -> Tensor:
    """Measure where pictures have more fine detail than they should: grain on walls, in skies, in what is out of focus. [C]

    A perceptual loss rewards detail wherever a little is missing, also of the wrong kind. Detail is the deviation from the mean
    of 3 × 3 pixels; its strength is compared over 8 × 8 pixels, so that detail in another place nearby costs nothing.

    Args:
        restored, reference: RGB 0..1 ``(n, 3, h, w)``.

    Returns:
        Mean excess of the root mean square of detail, a scalar.
    """
    made, wanted = (detail_strength(pictures) for pictures in (restored, reference))
    excess: Tensor = (made - wanted).relu()
    return excess.mean()


def detail_strength(pictures: Tensor) -> Tensor:
    """Compute the root mean square of the detail in half-overlapping areas of 8 × 8 pixels; see `excess_detail`."""
    detail = pictures - F.avg_pool2d(pictures, 3, stride=1, padding=1, count_include_pad=False)
    # the small number keeps the gradient finite where there is no detail
    return (F.avg_pool2d(detail.square(), 8, stride=4) + 1e-6).sqrt()


def change_error(restored: Tensor, reference: Tensor) -> Tensor:
    """Compare the change from frame to frame of clips ``(batch, frames, 3, h, w)`` with the reference's.

    Returns:
        Mean absolute difference of the changes, a scalar.
    """
    error = restored - reference
    change: Tensor = (error[:, 1:] - error[:, :-1]).abs()
    return change.mean()
