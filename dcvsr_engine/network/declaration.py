"""``dcvsr.json``: what a checkpoint declares that its weights alone do not say (method.md §7). Torch-free."""

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from dcvsr_engine.errors import ModelError, SettingsError
from dcvsr_engine.settings import Guidance, RestoreSettings, Tiling

FILE = "dcvsr.json"
UNET_FOLDERS = ("unet", "unet_ema")
DEFAULTS = ("scale", "steps", "guidance", "guidance_scale", "tiling", "tile", "window")
"""Settings whose default the model declares."""


@dataclass(frozen=True)
class Declaration:
    """A checkpoint's conventions and defaults.

    Attributes:
        name, title, description, license, training_data: for people.
        first_stage: ``"vae"`` (SVD's temporal autoencoder) or ``"haar"`` (fixed residual transform).
        factor: output pixels per latent pixel along an axis.
        multiple: the U-Net needs latent sides that are multiples of this.
        condition_scaled: whether ``l`` is multiplied by the VAE's scaling factor (SVD: no).
        added_time_ids: the U-Net's additional ids (SVD: fps, motion bucket, noise augmentation).
        image_embedding: ``"none"`` (the network has none), ``"zeros"`` or ``"first-frame"`` (CLIP).
        unconditional: what the unconditional branch drops: ``"image_embedding"`` and/or ``"condition"``.
        sigma_min, sigma_max: noise range of sampling.
        steps, guidance, guidance_scale, tiling, tile, window, scale: defaults for `RestoreSettings`.
        noise_share: share of the noise variance that all frames have in common.
        base: name of the folder that a U-Net alone is laid over, or empty.
        sha256: hash per file, relative to the folder.
        assumed: names of conventions that nobody declared and that stand at SVD's until they are probed.
    """

    name: str
    title: str
    first_stage: Literal["vae", "haar"]
    factor: int
    multiple: int
    description: str = ""
    license: str = ""
    training_data: str = ""
    condition_scaled: bool = False
    added_time_ids: tuple[float, ...] = (6.0, 127.0, 0.0)
    image_embedding: Literal["none", "zeros", "first-frame"] = "zeros"
    unconditional: tuple[Literal["image_embedding", "condition"], ...] = ("image_embedding",)
    sigma_min: float = 0.002
    sigma_max: float = 700.0
    steps: int = 25
    guidance: Guidance = "dssag"
    guidance_scale: float = 2.0
    tiling: Tiling = "paper"
    tile: int = 64
    window: int = 14
    scale: int = 4
    noise_share: float = 0.0
    base: str = ""
    sha256: dict[str, str] = field(default_factory=dict, hash=False)
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, hint in typing.get_type_hints(type(self)).items():
            if not fits(getattr(self, name), hint):
                raise ValueError(f"{name} cannot be {getattr(self, name)!r}")
        for name in DEFAULTS:
            RestoreSettings.check(name, getattr(self, name))
        if not 0 < self.sigma_min < self.sigma_max or min(self.factor, self.multiple) < 1 or not 0 <= self.noise_share <= 1:
            raise ValueError("sigma_min, sigma_max, factor, multiple or noise_share is out of range")

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read ``folder/dcvsr.json``; raises `ModelError` when it is missing or not understood."""
        path = folder / FILE
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
            return cls(**(values | lists))
        except FileNotFoundError:
            raise ModelError(f"{folder} is no DC-VSR model: {FILE} is missing.") from None
        except (OSError, ValueError, TypeError, AttributeError, SettingsError) as error:
            raise ModelError(f"{path} is not understood: {error}.") from None

    def to_json(self) -> str:
        """The declaration as it can be read back."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    def resolve(self, settings: RestoreSettings) -> RestoreSettings:
        """``settings`` with every ``None`` replaced by this model's default."""
        return settings.replace(**{name: getattr(self, name) for name in DEFAULTS if getattr(settings, name) is None})


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON has the type ``hint``."""
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if kind is Literal:
        return value in inner
    if kind is tuple:
        return isinstance(value, tuple) and all(fits(part, inner[0]) for part in value)
    if kind is dict:
        return isinstance(value, dict) and all(fits(part, inner[1]) for part in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)
