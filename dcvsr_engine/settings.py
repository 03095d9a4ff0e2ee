"""The one vocabulary of the sliders, the command line, the job file and the tests: validated, JSON in and out."""

import dataclasses
import functools
import json
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from dcvsr_engine.errors import SettingsError

Guidance = Literal["none", "cfg", "sag", "pag", "dssag"]
GammaDirection = Literal["falling", "rising"]
SapSchedule = Literal["auto", "lockstep", "two-pass", "cached"]
TapDirection = Literal["alternate", "forward", "backward"]
Tiling = Literal["paper", "fast"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cuda", "mps", "cpu"]
Color = Literal["wavelet", "adain", "none"]
Codec = Literal["auto", "h264", "h265", "av1", "ffv1", "prores", "png", "tiff", "h264_nvenc", "hevc_nvenc"]


def setting(default: Any, doc: str, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field with its one-sentence help text and its range; the range is what `validate` checks."""
    return field(default=default, metadata={"doc": doc, "low": low, "high": high})


def allows_none(hint: Any) -> bool:
    """Whether a type hint is ``… | None``."""
    return typing.get_origin(hint) in (types.UnionType, typing.Union) and type(None) in typing.get_args(hint)


def plain_type(hint: Any) -> Any:
    """The type behind ``T | None``."""
    return next(arg for arg in typing.get_args(hint) if arg is not type(None)) if allows_none(hint) else hint


class Settings:
    """Validation and JSON for the frozen dataclasses below."""

    @classmethod
    @functools.cache
    def hints(cls) -> dict[str, Any]:
        """Type hint per setting."""
        return typing.get_type_hints(cls)

    @classmethod
    @functools.cache
    def fields(cls) -> dict[str, "dataclasses.Field[Any]"]:
        """Dataclass field per setting; ``metadata`` holds ``doc``, ``low`` and ``high``."""
        return {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        """``value`` in the setting's own type; raises `SettingsError` with a sentence that says what is allowed."""
        if name not in cls.fields():
            raise SettingsError(f"There is no setting “{name}”; known settings are {', '.join(cls.fields())}.")
        hint, meta = cls.hints()[name], cls.fields()[name].metadata
        if value is None and allows_none(hint):
            return None
        kind = plain_type(hint)
        if typing.get_origin(kind) is Literal:
            if value not in typing.get_args(kind):
                raise SettingsError(f"{name} must be one of {', '.join(typing.get_args(kind))}, not {value!r}.")
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise SettingsError(f"{name} must be {KIND_NAMES[kind]}, not {value!r}.")
        low, high = meta.get("low"), meta.get("high")
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            raise SettingsError(f"{name} must be {range_text(low, high)}, not {value}.")
        return value

    def __post_init__(self) -> None:
        for name in self.fields():
            object.__setattr__(self, name, self.check(name, getattr(self, name)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to JSON."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The inverse of `to_dict`; missing settings take their defaults, unknown ones raise `SettingsError`."""
        if not isinstance(values, dict):
            raise SettingsError("Settings must be a JSON object with a value per setting.")
        return cls(**{name: cls.check(name, value) for name, value in values.items()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read settings from JSON text; raises `SettingsError` when it is none."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise SettingsError(f"The settings are not valid JSON: {error}.") from None
        return cls.from_dict(values)

    def replace(self, **changes: Any) -> Self:
        """A copy with ``changes``, validated."""
        return type(self).from_dict(self.to_dict() | changes)


KIND_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def range_text(low: float | None, high: float | None) -> str:
    """A range in words."""
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"


@dataclass(frozen=True)
class RestoreSettings(Settings):
    """Everything that decides what the restored frames look like. ``None`` means: as the model declares."""

    model: str = setting("compact", "Which model restores: a name from “dcvsr models list” or a checkpoint folder.")
    scale: int | None = setting(None, "How many times wider and higher the result is.", 1, 4)
    steps: int | None = setting(None, "Sampling steps: more refine further and take longer.", 1, 200)
    guidance: Guidance | None = setting(None, "How detail is sharpened; dssag is the paper's, none is fastest.")
    guidance_scale: float | None = setting(None, "How strongly guidance sharpens; 1 is no guidance.", 0.0, 20.0)
    gamma_peak: float = setting(
        1.0, "How much detail the guidance's counter-example loses at the first step; 0 is plain CFG.", 0.0, 8.0
    )
    gamma_rho: float = setting(
        0.5, "Shape of the γ curve: small for heavily damaged or drawn video, large for light damage.", 0.05, 8.0
    )
    gamma_direction: GammaDirection = setting("falling", "Whether γ falls over the steps, as in the paper, or rises.")
    sap: bool = setting(True, "Spatial attention propagation: tiles of a frame see each other at every second step.")
    sap_schedule: SapSchedule = setting(
        "auto", "How tiles get each other's keys: lockstep (exact), two-pass (less memory) or cached (fast)."
    )
    sap_rate: int = setting(2, "Every how many tokens along each axis a tile offers to the others.", 1, 16)
    tap: bool = setting(True, "Temporal attention propagation: neighbouring frame windows see each other at every second step.")
    tap_frames: int = setting(4, "How many frames a window hands to the next.", 1, 14)
    tap_direction: TapDirection = setting("alternate", "Whether windows hand frames forward, backward, or by turns.")
    tiling: Tiling | None = setting(
        None, "paper: half-overlapping tiles; fast: little overlap with a grid that moves at every step."
    )
    tile: int | None = setting(None, "Side of a tile in latent pixels.", 16, 256)
    window: int | None = setting(None, "Frames in a tile.", 1, 64)
    overlap: float = setting(0.5, "Share of a tile that overlaps the next (paper tiling).", 0.0, 0.75)
    segment_frames: int = setting(56, "Frames worked on at once; longer shots are cut into joined segments.", 14, 1000)
    color: Color = setting("wavelet", "How the result's colours are held to the input's.")
    seed: int = setting(42, "Start of the random noise; the same seed gives the same frames.", 0, 2**31 - 1)
    precision: Precision = setting("auto", "Number format of the network; auto is the fastest that the device does well.")
    device: Device = setting("auto", "What computes; auto takes a CUDA GPU, then Apple's, then the processor.")
    tile_batch: int = setting(0, "Tiles denoised together; 0 chooses what fits. Does not change the result.", 0, 256)


@dataclass(frozen=True)
class OutputSettings(Settings):
    """How the restored video is written."""

    codec: Codec = setting("auto", "Video codec; auto is H.264 for 8-bit and H.265 for 10-bit video.")
    crf: int = setting(16, "Quality: 0 is lossless or best, larger is smaller.", 0, 51)
    preset: str = setting("medium", "The encoder's speed preset.")
    bit_depth: int | None = setting(None, "Bits per colour channel; as the input where not given.", 8, 16)
    audio: bool = setting(True, "Copy the audio tracks.")
    subtitles: bool = setting(True, "Copy subtitles, chapters and attachments.")
    deinterlace: bool = setting(True, "Deinterlace interlaced video first.")
    overwrite: bool = setting(False, "Replace an existing output file.")
