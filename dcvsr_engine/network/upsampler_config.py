"""What the network of a learned upsampler is like, and where a model keeps it, without loading it. Torch-free."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from dcvsr_engine.errors import ModelError, UserError
from dcvsr_engine.network.declaration import UpsamplerKind
from dcvsr_engine.schema import Schema

UPSAMPLER_FOLDER = "upsampler"
"""Beside the U-Net, in the model's own folder."""
UPSAMPLER_CONFIG = "config.json"
UPSAMPLER_WEIGHTS = "model.safetensors"

# What is alive at the peak, as it was measured on a processor: see `test_upsampler_config.py`.
FEATURE_MAPS = 4
"""Inside of a block: in maps of its channels, beside two copies of the frames that are seen."""
PICTURES = 2.5
"""At the end: in float32 pictures of four channels at the high resolution, beside one such map."""
UPSAMPLER_BYTES = 2**25
"""Whatever the size."""
ENLARGED_TOGETHER = 2**19
"""LR pixels of a frame that are enlarged together, those around them not counted: DVD's frames as a whole."""


class UpsamplerConfig(Schema):
    """The network's shape.

    Attributes:
        channels: of every block.
        blocks: residual blocks of two convolutions.
        frames: neighbouring frames seen at once, odd.
        scale: enlargement along an axis.
    """

    error_type: ClassVar[type[UserError]] = ModelError
    noun: ClassVar[str] = "entry"

    channels: int = Field(default=64, ge=1, le=1024)
    blocks: int = Field(default=8, ge=1, le=256)
    frames: int = Field(default=5, ge=1, le=15)
    scale: int = Field(default=4, ge=1, le=8)

    @model_validator(mode="after")
    def _has_a_middle_frame(self) -> Self:
        if self.frames % 2 == 0:
            raise ValueError(f"frames must be odd, not {self.frames}.")
        return self

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read an upsampler's ``config.json``; raises `ModelError`."""
        try:
            return cls.from_json((folder / UPSAMPLER_CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError, ModelError) as error:
            raise unusable(folder, error) from None

    @property
    def context(self) -> int:
        """Frames seen on either side of a frame."""
        return self.frames // 2

    @property
    def reach(self) -> int:
        """Pixels seen on either side of a pixel: by the first and last layer, two per block, and where the result is reduced."""
        return 2 + 2 * self.blocks + 3

    def peak_bytes(self, pixels: int, item: int = 4) -> int:
        """Memory that ``pixels`` LR pixels of a frame take while they are enlarged, their neighbours and their result included.

        Args:
            pixels: that are enlarged together.
            item: bytes of a number of the feature maps.
        """
        inside = FEATURE_MAPS * self.channels * item + 2 * 3 * self.frames * 4
        end = self.channels * item + PICTURES * 4 * self.scale**2 * 4
        return UPSAMPLER_BYTES + int(pixels * max(inside, end))

    def band_pixels(self, pixels: int, width: int) -> int:
        """LR pixels that the network sees at once of a frame of ``pixels`` that is enlarged in bands across its ``width``."""
        return min(pixels, ENLARGED_TOGETHER + 2 * self.reach * width)


def unusable(folder: Path, error: Exception) -> ModelError:
    """The error, in one sentence, about an upsampler's folder."""
    return ModelError(f"The upsampler in “{folder}” cannot be used: {' '.join(str(error).split()).rstrip('.')}.")


def upsampler_config(kind: UpsamplerKind, folder: Path) -> UpsamplerConfig | None:
    """Read the shape of a model's upsampler, where it declares a learned one; raises `ModelError`."""
    return UpsamplerConfig.from_folder(folder / UPSAMPLER_FOLDER) if kind == "learned" else None
