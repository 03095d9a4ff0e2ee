"""SVD's temporal autoencoder as a first stage: tiled encode, chunked and tiled decode (method.md §1.2, §1.7)."""

import dataclasses
from collections.abc import Callable

import torch
from diffusers import AutoencoderKLTemporalDecoder
from torch import Tensor

from dcvsr_engine.network.first_stage import VAE_TILE as TILE
from dcvsr_engine.tiling.blend import Merge, cut
from dcvsr_engine.tiling.grid import Tile, TileGrid, starts

OVERLAP = 0.25
SPREAD = 0.2
ENCODE_FRAMES = 2
"""Frames encoded together; encoding is per frame, so this changes memory only."""


def enlarge(grid: TileGrid, factor: int) -> TileGrid:
    """The grid in pixels that belongs to ``grid`` in latents."""

    def times(values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(factor * value for value in values)

    return dataclasses.replace(
        grid,
        height=factor * grid.height,
        width=factor * grid.width,
        tile_height=factor * grid.tile_height,
        tile_width=factor * grid.tile_width,
        rows=times(grid.rows),
        columns=times(grid.columns),
    )


class VaeFirstStage:
    """Pixels to latents and back through `AutoencoderKLTemporalDecoder`; the same interface as `haar.HaarFirstStage`.

    Attributes:
        factor: pixels per latent along an axis.
        latent_channels, condition_channels: channels of ``x_0`` and of ``l``.
        check: called before every tile; raises to stop.
    """

    def __init__(self, vae: AutoencoderKLTemporalDecoder, condition_scaled: bool) -> None:
        self.vae, self.condition_scaled = vae, condition_scaled
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.latent_channels = self.condition_channels = int(vae.config.latent_channels)
        self.check: Callable[[], None] = lambda: None
        if vae.dtype == torch.float16 and vae.config.force_upcast:  # the encoder overflows; diffusers upcasts it likewise
            vae.encoder.float()
            vae.quant_conv.float()

    def encode_condition(self, upscaled: Tensor) -> Tensor:
        """``l`` ``(frames, channels, rows, columns)`` of RGB ``(frames, 3, height, width)``: the mode of the posterior."""
        return self.encode(upscaled) * (float(self.vae.config.scaling_factor) if self.condition_scaled else 1.0)

    def encode_target(self, frames: Tensor, upscaled: Tensor) -> Tensor:
        """The latent ``x_0`` that `decode` turns back into ``frames`` (training only); ``upscaled`` is not needed."""
        return self.encode(frames) * float(self.vae.config.scaling_factor)

    def encode(self, pixels: Tensor) -> Tensor:
        """The mode of the posterior of RGB ``(frames, 3, height, width)``, as the autoencoder scales it."""
        frames, _, height, width = pixels.shape
        rows, columns = height // self.factor, width // self.factor
        grid = TileGrid.build(frames, rows, columns, TILE, ENCODE_FRAMES, OVERLAP, spread=SPREAD)
        grid = dataclasses.replace(grid, windows=starts(frames, grid.tile_frames, grid.tile_frames))
        places, merge = enlarge(grid, self.factor), Merge(grid, self.condition_channels)
        for tile in grid:
            merge.add(tile, self.encode_tile(cut(pixels, places.tile(tile.m, tile.n))))
        return merge.result()

    def decode(self, latents: Tensor, upscaled: Tensor) -> Tensor:
        """RGB frames ``(frames, 3, height, width)``, not clamped, from ``x_0`` in scaled space; ``upscaled`` is not needed.

        The frames are decoded together, as one chunk of the temporal decoder.
        """
        frames, _, height, width = latents.shape
        grid = TileGrid.build(frames, height, width, TILE, frames, OVERLAP, spread=SPREAD)
        pixels = enlarge(grid, self.factor)
        merge = Merge(pixels, 3)
        for tile in grid:
            merge.add(pixels.tile(tile.m, tile.n), self.decode_tile(tile, latents))
        return merge.result()

    @torch.no_grad()
    def encode_tile(self, pixels: Tensor) -> Tensor:
        """One tile, without tiling."""
        self.check()
        scaled = (2 * pixels - 1).to(self.vae.encoder.conv_in.weight)
        mode: Tensor = self.vae.encode(scaled).latent_dist.mode()
        return mode.float().cpu()

    @torch.no_grad()
    def decode_tile(self, tile: Tile, latents: Tensor) -> Tensor:
        """One tile, without tiling."""
        self.check()
        scaled = (cut(latents, tile) / self.vae.config.scaling_factor).to(self.vae.decoder.conv_in.weight)
        decoded: Tensor = self.vae.decode(scaled, num_frames=tile.frames).sample
        return decoded.float().cpu() / 2 + 0.5
