"""``dcvsr.json``: what a checkpoint declares that its weights alone do not say (method.md §7). Torch-free."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from dcvsr_engine.errors import ModelError, UserError
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.settings import (
    Guidance,
    GuidanceScale,
    ResolvedSettings,
    RestoreSettings,
    ScaleFactor,
    StepCount,
    TileSide,
    Tiling,
    WindowFrames,
)
from dcvsr_engine.storage import read_json

FILE = "dcvsr.json"
UNET_FOLDERS = ("unet_ema", "unet")
"""Where a U-Net may lie. Trainers that keep both leave the averaged weights (EMA), which are the ones to use, in the first."""
DEFAULTS = ("scale", "steps", "guidance", "guidance_scale", "sap", "tap", "tiling", "tile", "window")
"""Settings whose default the model declares."""
SVD_TIME_IDS = (6.0, 127.0, 0.0)
"""Frames per second, motion bucket and noise augmentation of Stable Video Diffusion's examples."""
UpsamplerKind = Literal["bicubic", "learned"]


class Declaration(Schema):
    """A checkpoint's conventions and defaults.

    Attributes:
        name, title, description, license, training_data: for users.
        first_stage: ``"vae"`` (SVD's temporal autoencoder) or ``"haar"`` (fixed residual transform).
        upsampler: what makes ``I_up``: ``"bicubic"`` (the paper's) or ``"learned"`` (the network in the folder ``upsampler``).
        factor: output pixels per latent pixel along an axis.
        multiple: the U-Net needs latent sides that are multiples of this.
        condition_scaled: whether ``l`` is multiplied by the VAE's scaling factor (SVD: no).
        condition_noise: standard deviation of the noise added to ``l`` (noise augmentation).
        added_time_ids: the U-Net's additional ids (SVD: fps, motion bucket, noise augmentation).
        image_embedding: ``"none"`` (the network has none), ``"zeros"`` or ``"first-frame"`` (CLIP).
        unconditional: what the unconditional branch drops: ``"image_embedding"`` and/or ``"condition"``.
        sigma_min, sigma_max: noise range of sampling.
        steps, guidance, guidance_scale, sap, tap, tiling, tile, window, scale: defaults for `RestoreSettings`.
        noise_share: share of the noise variance that all frames have in common.
        base: name of the folder that a U-Net alone is laid over, or empty.
        sha256: hash per file, relative to the folder.
        assumed: names of conventions that nobody declared and that stand at SVD's until they are probed.
    """

    error_type: ClassVar[type[UserError]] = ModelError
    noun: ClassVar[str] = "key"

    name: str
    title: str
    first_stage: Literal["vae", "haar"]
    factor: int = Field(ge=1)
    multiple: int = Field(ge=1)
    upsampler: UpsamplerKind = "bicubic"
    description: str = ""
    license: str = ""
    training_data: str = ""
    condition_scaled: bool = False
    condition_noise: float = Field(default=0.0, ge=0)
    added_time_ids: FromJson[tuple[float, ...]] = SVD_TIME_IDS
    image_embedding: Literal["none", "zeros", "first-frame"] = "zeros"
    unconditional: FromJson[tuple[Literal["image_embedding", "condition"], ...]] = ("image_embedding",)
    sigma_min: float = Field(default=0.002, gt=0)
    sigma_max: float = 700.0
    steps: StepCount = 25
    guidance: Guidance = "dssag"
    guidance_scale: GuidanceScale = 2.0
    sap: bool = True
    tap: bool = True
    tiling: Tiling = "paper"
    tile: TileSide = 64
    window: WindowFrames = 14
    scale: ScaleFactor = 4
    noise_share: float = Field(default=0.0, ge=0, le=1)
    base: str = ""
    sha256: dict[str, str] = Field(default_factory=dict)
    assumed: FromJson[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _noise_has_a_range(self) -> Self:
        if not self.sigma_min < self.sigma_max:
            raise ValueError(f"sigma_max must be larger than sigma_min ({self.sigma_min}), not {self.sigma_max}.")
        return self

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read ``folder/dcvsr.json``; raises `ModelError` when it is missing or not understood."""
        path = folder / FILE
        try:
            return cls.from_dict(read_json(path))
        except FileNotFoundError:
            raise ModelError(f"{folder} is no DC-VSR model: {FILE} is missing.") from None
        except (OSError, ValueError, ModelError) as error:
            raise ModelError(f"{path} is not understood: {str(error).rstrip('.')}.") from None

    def resolve(self, settings: RestoreSettings) -> ResolvedSettings:
        """``settings`` with every ``None`` replaced by this model's default."""
        defaults = {name: getattr(self, name) for name in DEFAULTS}
        chosen = {name: value for name, value in settings if value is not None}
        return ResolvedSettings(**(defaults | chosen))
