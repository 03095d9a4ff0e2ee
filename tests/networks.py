"""Networks of the real classes, small enough to run in milliseconds, and a recorder of what their layers see."""

from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from torch import Tensor, nn

from dcvsr_engine.diffusion.attention import SpatialSelfAttention
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import Batching, InBatches, TiledDenoiser
from dcvsr_engine.diffusion.sampler import sample as sample_latents
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.upsampler import Upsampler
from dcvsr_engine.network.upsampler_config import UpsamplerConfig
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.settings import ResolvedSettings, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

EMBEDDING = 8
CHANNELS = 4
UNET = {
    "in_channels": 2 * CHANNELS,
    "out_channels": CHANNELS,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal",) * 2,
    "up_block_types": ("CrossAttnUpBlockSpatioTemporal",) * 2,
    "block_out_channels": (32, 32),
    "layers_per_block": 1,
    "num_attention_heads": (2, 4),
    "cross_attention_dim": EMBEDDING,
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 24,
}
"""Seven spatial self-attentions; the second lies at half resolution, the first and the last two at full."""


def unet(**changes: Any) -> UNetSpatioTemporalConditionModel:
    """SVD's U-Net class with random weights."""
    torch.manual_seed(0)
    return UNetSpatioTemporalConditionModel(**(UNET | changes)).eval().requires_grad_(False)


def vae(levels: int = 2) -> AutoencoderKLTemporalDecoder:
    """SVD's autoencoder class with random weights; 2 pixels per latent, and twice as many with every further level."""
    torch.manual_seed(1)
    network = AutoencoderKLTemporalDecoder(
        block_out_channels=(32,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        latent_channels=CHANNELS,
        layers_per_block=1,
    )
    return network.eval().requires_grad_(False)


def upsampler(frames: int = 5, scale: int = 4) -> Upsampler:
    """A learned upsampler with random weights in every layer, so that neighbours matter."""
    torch.manual_seed(2)
    network = Upsampler(UpsamplerConfig(channels=4, blocks=1, frames=frames, scale=scale))
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.1)
    return network.eval().requires_grad_(False)


def declaration(**changes: Any) -> Declaration:
    """Conventions of the tiny model."""
    values = {
        "name": "tiny",
        "title": "Tiny",
        "first_stage": "vae",
        "factor": 2,
        "multiple": 2,
        "tile": 16,
        "window": 4,
        "scale": 2,
    }
    return Declaration(**(values | changes))


def model(**changes: Any) -> Model:
    """A tiny model in SVD's layout."""
    return Model(declaration(**changes), Path(), unet(), VaeFirstStage(vae(), False), "cpu", "fp32")


def denoiser(distinct: bool = True, **changes: Any) -> Denoiser:
    """A tiny denoiser; ``distinct`` gives its two branches different image embeddings."""
    if not distinct:
        return Denoiser(model(**changes))
    embedding = torch.randn(1, 1, EMBEDDING, generator=torch.Generator().manual_seed(2))
    return Denoiser(model(**({"image_embedding": "first-frame"} | changes)), embedding)


def settings(**changes: Any) -> ResolvedSettings:
    """Resolved settings without guidance and propagation."""
    values = {"steps": 2, "guidance": "none", "guidance_scale": 2.0, "sap": False, "tap": False, "sap_schedule": "two-pass"}
    return declaration().resolve(RestoreSettings(**(values | changes)))


def clip(grid: TileGrid, seed: int = 3) -> tuple[Tensor, Tensor]:
    """Unit noise and a condition ``(frames, channels, height, width)``."""
    generator = torch.Generator().manual_seed(seed)
    noise, condition = torch.randn(2, grid.frames, CHANNELS, grid.height, grid.width, generator=generator)
    return noise, condition


def sample(denoiser: Any, chosen: ResolvedSettings, grid: TileGrid, batch: int = 1, batching: Batching | None = None) -> Tensor:
    """``x_0`` of `clip` with the chosen settings."""
    noise, condition = clip(grid)
    steps = steps_of(chosen, denoiser.model.declaration)
    tiled = TiledDenoiser(denoiser, condition, chosen, lambda step: grid, steps, batching or InBatches(batch))
    return sample_latents(tiled, noise * denoiser.model.declaration.sigma_max, steps)


def propagating(unet: nn.Module) -> list[str]:
    """Names of the layers that propagate, by the number that they go by."""
    layers = {}
    for name, module in unet.named_modules():
        processor = getattr(module, "processor", None)
        if isinstance(processor, SpatialSelfAttention) and processor.layer is not None:
            layers[processor.layer] = name
    return [layers[number] for number in sorted(layers)]


class Recorder:
    """Keeps every input and output of some modules while it is open.

    Attributes:
        inputs, outputs: per module, one array ``(rows · frames, tokens, channels)`` per call.
    """

    def __init__(self, modules: list[nn.Module]) -> None:
        self.inputs: dict[nn.Module, list[Any]] = defaultdict(list)
        self.outputs: dict[nn.Module, list[Any]] = defaultdict(list)
        self.modules = modules

    def __enter__(self) -> Self:
        self.handles = [module.register_forward_hook(self.keep) for module in self.modules]
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for handle in self.handles:
            handle.remove()

    def keep(self, module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        """A forward hook."""
        self.inputs[module].append(arguments[0].detach().double().numpy())
        self.outputs[module].append(output.detach().double().numpy())
