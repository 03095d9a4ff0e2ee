"""``I_up``: the low-resolution video at the target size (method.md §1.1), by whichever upsampler a model declares."""

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from dcvsr_engine.network.declaration import UpsamplerKind
from dcvsr_engine.network.resample import resize, upscale
from dcvsr_engine.network.upsampler import Upsampler
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER
from dcvsr_engine.settings import Device


class VideoUpsampler(Protocol):
    """Enlarges frames, each in the middle of a window of its neighbours.

    Attributes:
        frames: how many frames a window has, odd.
        reach: pixels of the input beside a pixel that it looks at.
    """

    frames: int
    reach: int

    @property
    def network(self) -> Upsampler | None:
        """What is learned; ``None`` where nothing is."""

    def __call__(self, windows: Tensor, scale: int) -> Tensor:
        """Enlarge the middle frames.

        Args:
            windows: RGB 0..1 ``(n, frames, 3, height, width)``.
            scale: how many times wider and higher the result is.

        Returns:
            ``I_up`` ``(n, 3, scale · height, scale · width)``, 0..1.
        """


class BicubicUpsampler:
    """The paper's: bicubic interpolation, frame by frame. See `VideoUpsampler`."""

    frames = 1
    reach = 2
    network = None

    def __call__(self, windows: Tensor, scale: int) -> Tensor:
        """See `VideoUpsampler`."""
        return upscale(windows[:, 0], scale)


class LearnedUpsampler:
    """The learned prior. See `VideoUpsampler`.

    It enlarges by the network's own scale; for another scale that result is reduced by antialiased bicubic interpolation, so that
    what was restored is kept as far as the smaller picture can hold it.

    Attributes:
        together: windows enlarged at once. One, so that a frame takes the memory that was planned and does not depend on
            the frames beside it in a batch.
    """

    def __init__(self, network: Upsampler, together: int = 1) -> None:
        self.network, self.together = network, together
        self.frames, self.reach = network.config.frames, network.config.reach

    def __call__(self, windows: Tensor, scale: int) -> Tensor:
        """See `VideoUpsampler`; computed where the network is, returned where ``windows`` are."""
        device = self.network.tail.weight.device
        return torch.cat([self.enlarge(part.to(device), scale).to(windows.device) for part in windows.split(self.together)])

    def enlarge(self, windows: Tensor, scale: int) -> Tensor:
        """Enlarge a batch on the network's device. See `__call__`."""
        pictures: Tensor = self.network(windows).pictures.clamp(0, 1)
        if scale == self.network.config.scale:
            return pictures
        height, width = windows.shape[-2:]
        return resize(pictures, (scale * height, scale * width))


def load_upsampler(
    kind: UpsamplerKind, folder: Path, device: Device, dtype: torch.dtype = torch.float32, together: int = 1
) -> VideoUpsampler:
    """Load the upsampler that a model declares.

    Args:
        kind: what the model declares.
        folder: of the model.
        device: where to compute.
        dtype: in which number format; frames are float32 before and after.
        together: see `LearnedUpsampler`.

    Raises:
        ModelError: it is missing or damaged.
    """
    if kind == "bicubic":
        return BicubicUpsampler()
    return LearnedUpsampler(Upsampler.from_folder(folder / UPSAMPLER_FOLDER).to(device, dtype), together)
