"""The learned prior of the compact model: a small network that enlarges frames ×4 and looks at their neighbours.

Everything happens at the low resolution: five neighbouring frames are stacked on the channels, a stack of residual blocks
(EDSR, Lim et al. 2017, without normalisation) sees them, and a pixel shuffle (Shi et al. 2016) writes the residual over the
bicubic enlargement of the frame in the middle. Beside it the network says how large it expects its own error to be. [C]
"""

from pathlib import Path
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.upsampler_config import UPSAMPLER_CONFIG, UPSAMPLER_WEIGHTS, UpsamplerConfig, unusable

SLOPE = 0.1
"""Slope of the leaky rectifiers."""

INITIAL_LOG_ERROR = -4.0
"""Initial ln of the expected error: e⁻⁴ of the range is about 5 levels of 255."""


class Enlarged(NamedTuple):
    """Frames enlarged by the prior.

    Attributes:
        pictures: RGB ``(n, 3, scale · h, scale · w)``, 0..1 apart from overshoot.
        log_error: ln of the expected error, the mean over R, G and B, ``(n, 1, scale · h, scale · w)``.
    """

    pictures: Tensor
    log_error: Tensor


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(n, channels, h, w)`` to the same shape."""
        # in place: at HD every map takes a hundred megabytes, which the system would have to clear
        changed: Tensor = self.second(F.leaky_relu_(self.first(features), SLOPE))
        return changed.add_(features)


class Upsampler(nn.Module):
    """The prior. A new one is bicubic interpolation: its last layer begins at zero."""

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        self.head = nn.Conv2d(3 * config.frames, config.channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(config.channels) for _ in range(config.blocks)))
        self.tail = nn.Conv2d(config.channels, 4 * config.scale**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        start = torch.tensor([0.0, 0.0, 0.0, INITIAL_LOG_ERROR]).repeat_interleave(config.scale**2)
        self.tail.bias = nn.Parameter(start)
        self.order_channels_last()

    def order_channels_last(self) -> None:
        """Order the weights in memory as convolutions are fastest."""
        for weight in self.parameters():
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, windows: Tensor) -> Enlarged:
        """Enlarge the middle frames of ``windows`` RGB 0..1 ``(n, frames, 3, h, w)``."""
        middle = windows[:, self.config.frames // 2]
        # the frames in float32, the network in the format of its weights
        stacked = (windows.flatten(1, 2) - 0.5).to(self.head.weight.dtype, memory_format=torch.channels_last)
        features = F.leaky_relu_(self.head(stacked), SLOPE)
        shuffled = F.pixel_shuffle(self.tail(self.body(features)), self.config.scale).float()
        return Enlarged(upscale(middle, self.config.scale) + shuffled[:, :3], shuffled[:, 3:])

    def enlarge(self, clip: Tensor) -> Enlarged:
        """Enlarge every frame of ``clip`` RGB 0..1 ``(frames, 3, h, w)``; at its ends the nearest frame is repeated."""
        enlarged: Enlarged = self(clip[neighbours(len(clip), self.config.frames)])
        return enlarged

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read ``config.json`` and ``model.safetensors``; raises `ModelError`."""
        config = UpsamplerConfig.from_folder(folder)
        try:
            weights = {name: value.float() for name, value in load_file(folder / UPSAMPLER_WEIGHTS).items()}
            with torch.device("meta"):  # no memory for a network that the weights do not fit
                network = cls(config)
            network.load_state_dict(weights, assign=True)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise unusable(folder, error) from None
        network.order_channels_last()
        return network.eval().requires_grad_(False)

    def save(self, folder: Path) -> None:
        """Write what `from_folder` reads, the weights in half precision, into an existing folder."""
        (folder / UPSAMPLER_CONFIG).write_text(self.config.to_json(), encoding="utf-8")
        half = {name: value.detach().half().contiguous() for name, value in self.state_dict().items()}
        save_file(half, folder / UPSAMPLER_WEIGHTS, metadata={"format": "pt"})


def neighbours(count: int, frames: int) -> Tensor:
    """Index the ``frames`` neighbours of each of ``count`` frames, ``(count, frames)``; beyond the ends, the nearest."""
    around = torch.arange(frames) - frames // 2
    return (torch.arange(count).unsqueeze(1) + around).clamp(0, count - 1)
