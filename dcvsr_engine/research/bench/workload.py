"""The workload of benchmarks: a model, and a few frames of a clip as latents."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.noise import clip_noise
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.sampler import Batching, InBatches, TiledDenoiser
from dcvsr_engine.errors import InputError
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.planning.grids import padded
from dcvsr_engine.planning.request import Region
from dcvsr_engine.settings import ResolvedSettings, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.probe import VideoInfo, probe
from dcvsr_engine.video.reader import VideoReader

PIECE_COLUMNS, PIECE_ROWS, PIECE_WINDOWS = 2.0, 1.5, 2
"""Size of the piece in tiles; as tiles overlap by half, 3 × 2 tiles and three windows cover it."""


@dataclass(frozen=True)
class BenchWorkload:
    """A piece of a clip, ready for the sampler.

    Attributes:
        model: the network.
        settings: with the model's defaults.
        grid: the paper's tiles, 3 × 2 and three windows where the clip is large enough.
        noise: unit noise ``(frames, channels, height, width)``.
        condition: ``l`` ``(frames, condition channels, height, width)``.
        region: the piece in LR pixels of the clip.
        frames: number of frames, from the first.
    """

    model: Model
    settings: ResolvedSettings
    grid: TileGrid
    noise: Tensor
    condition: Tensor
    region: Region
    frames: int

    def denoiser(self) -> Denoiser:
        """Make a denoiser of the model."""
        return Denoiser(self.model)

    def tiled(
        self, denoiser: Denoiser, batching: Batching | None = None, bank: SpatialBank | None = None, **changes: object
    ) -> TiledDenoiser:
        """Make a tiled denoiser of the piece.

        Args:
            denoiser: of the model.
            batching: how tiles are evaluated; one at a time by default.
            bank: keys of an earlier step for cached SAP.
            changes: settings to change.
        """
        settings = self.settings.replace(**changes)
        grids, batches = (lambda step: self.grid), batching or InBatches(1)
        return TiledDenoiser(denoiser, self.condition, settings, grids, batching=batches, bank=bank)


def load_workload(settings: RestoreSettings, clip: Path) -> BenchWorkload:
    """Load the model and the middle of the clip's picture; raises `UserError`."""
    info = probe(clip)
    model = load_model(settings.model, settings.device, settings.precision)
    resolved = model.declaration.resolve(settings).replace(device=model.device, precision=model.precision)
    columns, rows = (padded(int(share * resolved.tile), model.declaration.multiple) for share in (PIECE_COLUMNS, PIECE_ROWS))
    region = middle_region(info, columns, rows, model, resolved.scale)
    frames = read_region(clip, region, PIECE_WINDOWS * resolved.window)
    condition = model.first_stage.encode_condition(upscale(frames, resolved.scale))
    height, width = condition.shape[-2:]
    tile = padded(resolved.tile, model.declaration.multiple)
    grid = TileGrid.build(len(frames), height, width, tile, resolved.window, align=model.declaration.multiple)
    noise = clip_noise(resolved.seed, 0, len(frames), (model.first_stage.latent_channels, height, width), 0.0)
    return BenchWorkload(model, resolved, grid, noise, condition, region, len(frames))


def middle_region(info: VideoInfo, columns: int, rows: int, model: Model, scale: int) -> Region:
    """Choose the middle of the picture.

    Args:
        info: of the clip.
        columns, rows: largest size in latents.
        model: whose units, ``multiple`` latents, the region holds a whole number of.
        scale: output pixels per pixel of the clip.

    Raises:
        InputError: the picture is too small, or the scale does not divide the model's factor.
    """
    unit = model.declaration.factor * model.declaration.multiple // scale
    latent = model.declaration.factor // scale
    if latent * scale != model.declaration.factor or min(info.width, info.height) < unit:
        raise InputError(f"“{info.path.name}” is too small, or the scale does not divide the model's factor; choose others.")
    # whole units of the U-Net, so that nothing is padded
    width, height = (min(size, count * latent) // unit * unit for size, count in ((info.width, columns), (info.height, rows)))
    return Region(x=(info.width - width) // 2, y=(info.height - height) // 2, width=width, height=height)


def read_region(clip: Path, region: Region, count: int) -> Tensor:
    """Read the region of the first ``count`` frames, RGB 0..1 ``(frames, 3, height, width)``; raises `InputError`."""
    rows, columns = slice(region.y, region.y + region.height), slice(region.x, region.x + region.width)
    with VideoReader(probe(clip)) as reader:
        pixels = [frame.pixels[rows, columns] for frame in reader.frames(0, count - 1)]
    if not pixels:
        raise InputError(f"“{clip.name}” has no frames that can be decoded.")
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
