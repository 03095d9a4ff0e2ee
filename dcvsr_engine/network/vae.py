"""SVD's temporal autoencoder as a first stage: tiled encode, chunked and tiled decode (method.md §1.2, §1.7)."""

import dataclasses
from collections.abc import Callable

import torch
from diffusers import AutoencoderKLTemporalDecoder
from torch import Tensor

from dcvsr_engine.network.first_stage import VAE_TILE as TILE
from dcvsr_engine.tiling.blend import Merge, cut
from dcvsr_engine.tiling.grid import TileGrid, starts

VAE_OVERLAP = 0.25
"""Share of a VAE tile that overlaps the next."""
VAE_SPREAD = 0.2
"""Standard deviation of the Gaussian weights over the tile's side, wide so that the borders of tiles fade into each other."""
ENCODE_FRAMES = 2
"""Frames encoded together; encoding is per frame, so this changes memory only."""


def pixel_grid(grid: TileGrid, factor: int) -> TileGrid:
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


def decoded_in_tiles(
    latents: Tensor, wanted: slice, factor: int, decode: Callable[[Tensor], Tensor], check: Callable[[], None] = lambda: None
) -> Tensor:
    """Decode frames in tiles, all of them together, and keep some.

    Args:
        latents: ``(frames, channels, height, width)``.
        wanted: which frames to keep.
        factor: pixels per latent along an axis.
        decode: a tile of ``latents`` to RGB ``(frames, 3, factor · height, factor · width)``.
        check: called before every tile; raises to stop.

    Returns:
        RGB ``(wanted frames, 3, factor · height, factor · width)``.
    """
    frames, _, height, width = latents.shape
    grid, kept = (
        TileGrid.build(count, height, width, TILE, frames, VAE_OVERLAP, spread=VAE_SPREAD)
        for count in (frames, len(range(*wanted.indices(frames))))
    )
    in_pixels = pixel_grid(kept, factor)
    merge = Merge(in_pixels, 3)
    for tile in grid:
        check()
        merge.add(in_pixels.tile(tile.m, tile.n), decode(cut(latents, tile))[wanted])
    return merge.result()


class VaeFirstStage:
    """Pixels to latents and back through `AutoencoderKLTemporalDecoder`; the same interface as `haar.HaarFirstStage`.

    Attributes:
        factor: pixels per latent along an axis.
        latent_channels, condition_channels: channels of ``x_0`` and of ``l``.
    """

    def __init__(self, vae: AutoencoderKLTemporalDecoder, condition_scaled: bool) -> None:
        self.vae, self.condition_scaled = vae, condition_scaled
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.latent_channels = self.condition_channels = int(vae.config.latent_channels)
        if vae.dtype == torch.float16 and vae.config.force_upcast:  # the encoder overflows; diffusers upcasts it likewise
            vae.encoder.float()
            vae.quant_conv.float()

    def encode_condition(self, upscaled: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Encode the enlarged input: the mode of the posterior (method.md §1.2).

        Args:
            upscaled: RGB 0..1 ``(frames, 3, height, width)``; sides are multiples of `factor`.
            check: called before every tile; raises to stop.

        Returns:
            ``l`` ``(frames, channels, height / factor, width / factor)``, scaled as the checkpoint declares.
        """
        return self.encode(upscaled, check) * (float(self.vae.config.scaling_factor) if self.condition_scaled else 1.0)

    def as_target(self, condition: Tensor) -> Tensor:
        """The enlarged input's own ``x_0`` in scaled space from its ``l``, both ``(frames, channels, height, width)``."""
        return condition if self.condition_scaled else condition * float(self.vae.config.scaling_factor)

    def encode_target(self, frames: Tensor, upscaled: Tensor) -> Tensor:
        """Encode frames to train towards.

        Args:
            frames: RGB 0..1 ``(frames, 3, height, width)``.
            upscaled: not needed by this first stage.

        Returns:
            ``x_0`` ``(frames, channels, height / factor, width / factor)`` in scaled space, which `decode` turns back.
        """
        return self.encode(frames) * float(self.vae.config.scaling_factor)

    def encode(self, pixels: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Encode in tiles.

        Args:
            pixels: RGB 0..1 ``(frames, 3, height, width)``.
            check: called before every tile; raises to stop.

        Returns:
            The mode of the posterior ``(frames, channels, height / factor, width / factor)``, as the autoencoder scales it.
        """
        frames, _, height, width = pixels.shape
        rows, columns = height // self.factor, width // self.factor
        grid = TileGrid.build(frames, rows, columns, TILE, ENCODE_FRAMES, VAE_OVERLAP, spread=VAE_SPREAD)
        # frames are independent here: no overlap in time
        grid = dataclasses.replace(grid, windows=starts(frames, grid.tile_frames, grid.tile_frames))
        in_pixels, merge = pixel_grid(grid, self.factor), Merge(grid, self.condition_channels)
        for tile in grid:
            check()
            merge.add(tile, self.encode_tile(cut(pixels, in_pixels.tile(tile.m, tile.n))))
        return merge.result()

    def decode(self, latents: Tensor, upscaled: Tensor, check: Callable[[], None] = lambda: None, before: int = 0) -> Tensor:
        """Decode in tiles; the frames go through the temporal decoder together, as one chunk (method.md §1.7).

        Args:
            latents: ``x_0`` ``(frames, channels, height, width)`` in scaled space, neighbours on either side included.
            upscaled: the enlarged input of the frames that are wanted; only their number counts here.
            check: called before every tile; raises to stop.
            before: how many neighbours come before them.

        Returns:
            RGB frames ``(wanted frames, 3, factor · height, factor · width)``, not clamped.
        """
        return decoded_in_tiles(latents, slice(before, before + len(upscaled)), self.factor, self.decode_tile, check)

    @torch.no_grad()
    def encode_tile(self, pixels: Tensor) -> Tensor:
        """Encode RGB 0..1 ``(frames, 3, height, width)`` at once, to ``(frames, channels, height / factor, width / factor)``."""
        # the autoencoder works on −1 … 1
        scaled = (2 * pixels - 1).to(self.vae.encoder.conv_in.weight)
        mode: Tensor = self.vae.encode(scaled).latent_dist.mode()
        return mode.float().cpu()

    @torch.no_grad()
    def decode_tile(self, latents: Tensor) -> Tensor:
        """Decode ``(frames, channels, height, width)`` at once, to RGB 0..1 ``(frames, 3, factor · height, factor · width)``."""
        scaled = (latents / self.vae.config.scaling_factor).to(self.vae.decoder.conv_in.weight)
        decoded: Tensor = self.vae.decode(scaled, num_frames=len(latents)).sample
        return decoded.float().cpu() / 2 + 0.5
