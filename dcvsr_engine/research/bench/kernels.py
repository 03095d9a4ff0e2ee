"""What the engine's own kernels save against those of diffusers and PyTorch, as ratios of times taken in turns in one run."""

import platform
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import torch
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention import FeedForward
from torch import Tensor, nn

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.device import DTYPES, device_title
from dcvsr_engine.network.fused import FusedFeedForward, PlanarConvolution, QuickGroupNorm
from dcvsr_engine.research.bench.cost import fastest
from dcvsr_engine.research.bench.counting import TimedWork
from dcvsr_engine.settings import Precision, RestoreSettings

GPU = "cuda"


@dataclass(frozen=True)
class KernelFigure:
    """Times of one piece of work.

    Attributes:
        name, device, precision: what, where and in which number format.
        plain, own: seconds by diffusers and PyTorch, and by the engine's way; ``None`` where there is no such device.
    """

    name: str
    device: str
    precision: Precision
    plain: float | None = None
    own: float | None = None

    @property
    def gain(self) -> float | None:
        """How many times faster the engine's way is."""
        return self.plain / self.own if self.plain and self.own else None


def bench_environment() -> dict[str, str | int]:
    """The machine and the versions that figures belong to."""
    packages = {name: version(name) for name in ("torch", "diffusers", "numpy")}
    return {"machine": platform.platform(), "processor": device_title("cpu"), "threads": torch.get_num_threads(), **packages}


@torch.no_grad()
def measure_kernels(settings: RestoreSettings, repeats: int) -> list[KernelFigure]:
    """Measure every kernel in fp32 and bf16; rows of a GPU that is not there stay unmeasured.

    Args:
        settings: model, tile, window and device.
        repeats: timings per work, of which the fastest counts.

    Raises:
        ModelError: the model or the device is not there.
    """
    figures: list[KernelFigure] = []
    for precision in ("fp32", "bf16"):
        model = load_model(settings.model, settings.device, precision)
        clock = time.process_time if model.device == "cpu" else time.perf_counter
        for name, works in works_of(model, settings.tile or 32, settings.window or 6).items():
            plain, own = fastest(works, repeats, clock)
            figures.append(KernelFigure(name, model.device, precision, plain, own))
    measured = {figure.device for figure in figures}
    return figures + [KernelFigure(figure.name, GPU, figure.precision) for figure in figures if GPU not in measured]


def works_of(model: Model, tile: int, window: int) -> dict[str, list[TimedWork]]:
    """By name, the plain way and the engine's, on a tile of ``tile`` × ``tile`` × ``window`` latents."""
    config, dtype = model.unet.config, DTYPES[model.precision]
    channels, tokens = int(config.block_out_channels[1]), (tile // 2) ** 2

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(model.device, dtype)

    layer, hidden = FeedForward(channels).to(model.device, dtype), random(window, tokens, channels)
    fused = FusedFeedForward(layer)
    norm = nn.GroupNorm(32, channels).to(model.device, dtype)
    picture = random(window, channels, tile // 2, tile // 2).to(memory_format=torch.channels_last)
    convolution = nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0)).to(model.device, dtype)
    video = picture.unsqueeze(0).transpose(1, 2)
    sample = random(1, window, int(config.in_channels), tile, tile)
    return {
        "network, one tile": [
            partial(evaluate_network, network, sample) for network in (plain_network(model), own_network(model))
        ],
        "feed-forward": [partial(layer, hidden), partial(fused, hidden)],
        "group norm, small picture": [partial(norm, picture), partial(QuickGroupNorm(norm), picture)],
        "temporal convolution": [partial(convolution, video), partial(PlanarConvolution(convolution), video)],
    }


def plain_network(model: Model) -> UNetSpatioTemporalConditionModel:
    """Diffusers' own network of the model's shape; its numbers do not matter to its speed."""
    unet = UNetSpatioTemporalConditionModel.from_config(model.unet.config)
    nn.Module.to(unet, model.device, DTYPES[model.precision])  # not diffusers' own `to`, which warns of layers that are not there
    return unet.requires_grad_(False).eval()


def own_network(model: Model) -> UNetSpatioTemporalConditionModel:
    """The model's network as the engine runs it."""
    install_processors(model.unet)
    return model.unet


def evaluate_network(unet: UNetSpatioTemporalConditionModel, sample: Tensor) -> Tensor:
    """Evaluate a tile ``(1, frames, channels, height, width)`` without propagation; returns its output on the processor."""
    config = unet.config
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    embedding = sample.new_zeros(1, 1, config.cross_attention_dim)
    time_level = torch.zeros((), device=sample.device)
    output: Tensor = unet(sample, time_level, embedding, sample.new_zeros(1, ids)).sample
    return output.cpu()
