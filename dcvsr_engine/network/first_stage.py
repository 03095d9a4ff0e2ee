"""What a first stage is like, without loading it: what planner, window and recipes ask. Torch-free.

A first stage turns pixels into latents and back (method.md §1.2, §1.7). Nothing outside of this package asks for one by name:
its specification is looked up from the model's declaration.
"""

from dataclasses import dataclass
from typing import Literal

from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import Device

VAE_TILE = 64
"""Side of the autoencoder's tiles in latent pixels."""
CHUNK_BYTES = 2**26
"""Size of a chunk of output frames where every frame stands alone."""
FLOAT_PIXEL = 12
"""Bytes of a pixel: three channels in float32."""


@dataclass(frozen=True)
class FirstStageSpec:
    """A kind of first stage.

    Attributes:
        latent_channels, condition_channels: channels of ``x_0`` and of ``l``.
        window: frames to encode or decode together where memory allows.
        context: frames on either side that a temporal decoder sees beside them, where memory allows; 0 where frames stand alone.
        tile: side in latent pixels of the tiles it works in; ``None`` for whole frames.
        decoder_maps: feature maps alive at the decoder's peak, per frame at full resolution; 0 for a fixed transform.
        decoder_channels: channels of each of them.
        follows_device: whether whole frames are enlarged, transformed and corrected on a CUDA device; an autoencoder's tiles
            go there one by one instead, and the frames stay on the host.
        local: whether a latent stands for its own pixels alone, so that frames can be worked on in parts.
        scales_file: file in the model's folder with the variances of its bands; empty where it has none.
        weights_folder: folder of its weights; empty where it has none.
    """

    latent_channels: int
    condition_channels: int
    window: int
    context: int = 0
    tile: int | None = None
    decoder_maps: int = 0
    decoder_channels: int = 0
    follows_device: bool = False
    local: bool = False
    scales_file: str = ""
    weights_folder: str = ""

    def decoder_bytes(self, rows: int, columns: int, factor: int, item: int) -> int:
        """Device memory that one more decoded frame takes at the decoder's peak.

        Args:
            rows, columns: size of the frame in latents.
            factor: output pixels per latent along an axis.
            item: bytes per number.
        """
        tile = self.tile or max(rows, columns)
        pixels = min(tile, rows) * min(tile, columns) * factor**2
        return self.decoder_maps * self.decoder_channels * pixels * item

    def margin(self, frames: int) -> int:
        """Frames decoded on either side of a chunk of ``frames``, to be cropped: fewer for a chunk that memory keeps small."""
        return min(self.context, frames // 2)

    def decoded_frames(self, frames: int) -> int:
        """Frames that go through the decoder for a chunk of ``frames``, its margins included."""
        return frames + 2 * self.margin(frames)

    def frames_together(self, pixels: int) -> int:
        """Frames to encode or decode together where memory is plentiful, of ``pixels`` output pixels each."""
        return self.window if self.context else max(1, min(self.window, CHUNK_BYTES // (FLOAT_PIXEL * pixels)))

    def pixel_device(self, device: str) -> Device:
        """Where whole frames are worked on when the U-Net computes on ``device``."""
        return "cuda" if self.follows_device and device == "cuda" else "cpu"


# The decoder's 8 maps of 128 channels per frame at full resolution were counted on fake tensors, and measured on an H100.
VAE = FirstStageSpec(
    latent_channels=4,
    condition_channels=4,
    window=14,
    context=4,
    tile=VAE_TILE,
    decoder_maps=8,
    decoder_channels=128,
    weights_folder="vae",
)
"""SVD's temporal autoencoder."""
HAAR = FirstStageSpec(
    latent_channels=24, condition_channels=24, window=14, follows_device=True, local=True, scales_file="scales.json"
)
"""The compact model's fixed transform of the residual over bicubic, see `network.haar`."""

AUTOENCODER: Literal["vae"] = "vae"
RESIDUAL_TRANSFORM: Literal["haar"] = "haar"
SPECS = {AUTOENCODER: VAE, RESIDUAL_TRANSFORM: HAAR}


def first_stage_of(declaration: Declaration) -> FirstStageSpec:
    """The specification of the first stage that a model declares."""
    return SPECS[declaration.first_stage]
