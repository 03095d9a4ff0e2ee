"""The one vocabulary of the sliders, the command line, the job file and the tests."""

import functools
import re
import typing
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from dcvsr_engine.errors import SettingsError, UserError
from dcvsr_engine.schema import Schema, allows_none, bounds, choices
from dcvsr_engine.storage import PICTURE_NUMBER

Guidance = Literal["none", "cfg", "sag", "pag", "dssag"]
GammaDirection = Literal["falling", "rising", "mirrored"]
GammaLayers = Literal["all", "down", "middle", "up"]
PropagationOrder = Literal["tap-last", "sap-last", "sap-first", "tap-first"]
ClipFrame = Literal["first", "middle", "last"]
SapSchedule = Literal["auto", "lockstep", "staged", "two-pass", "cached"]
TapDirection = Literal["alternate", "forward", "backward"]
Tiling = Literal["paper", "fast"]
Solver = Literal["euler", "dpmpp-2m"]
Compilation = Literal["off", "transformers", "all"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cuda", "xpu", "mps", "cpu"]
DEVICE_LIST = r"^(cuda:\d+(,cuda:\d+)*|cpu(,cpu)+)$"
"""Several devices of one kind, or a card of several: each gets an engine process of its own."""
SegmentOrder = Literal["chain", "bricks"]
Color = Literal["wavelet", "adain", "none"]
GpuCodec = Literal[
    "h264_nvenc",
    "hevc_nvenc",
    "h264_qsv",
    "hevc_qsv",
    "h264_amf",
    "hevc_amf",
    "h264_vaapi",
    "hevc_vaapi",
    "h264_videotoolbox",
    "hevc_videotoolbox",
]
GPU_CODECS: tuple[GpuCodec, ...] = typing.get_args(GpuCodec)
"""Those that only machines with a GPU, and FFmpeg's encoder for it, may be able to write."""
Codec = Literal["auto", "h264", "h265", "av1", "ffv1", "prores", "png", "tiff", "exr", "dpx", GpuCodec]

LARGEST_SCALE = 4
BOXES = {"1080p": (1920, 1080), "1440p": (2560, 1440), "4k": (3840, 2160)}
"""Named sizes of a result: (width, height) in pixels of a lying picture."""
SIZE_NAMES = ("auto", *(f"x{factor}" for factor in range(1, LARGEST_SCALE + 1)), *BOXES)
"""Values of the setting ``size`` beside ``WIDTHxHEIGHT``."""
LEAST_SIDE, LARGEST_SIDE = 16, 16384
REDUCTIONS = (1.0, 8.0)
"""Least and largest factor of the setting ``reduce``."""


def checked_size(text: str) -> str:
    """A size as it is stored, in small letters with an “x”; raises `ValueError` when it is none."""
    size = text.strip().lower().replace("×", "x")
    exact = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", size, re.ASCII)
    if size in SIZE_NAMES or (exact and all(LEAST_SIDE <= int(side) <= LARGEST_SIDE for side in exact.groups())):
        return size
    names = ", ".join(SIZE_NAMES)
    raise ValueError(
        f"size must be {names} or WIDTHxHEIGHT with sides of {LEAST_SIDE} to {LARGEST_SIDE} pixels, not “{text[:40]}”."
    )


def checked_reduction(text: str) -> str:
    """A factor as it is stored; raises `ValueError` when it is none."""
    if text == "auto":
        return text
    least, most = REDUCTIONS
    if re.fullmatch(r"\d{1,2}(\.\d{1,4})?", text, re.ASCII) and least <= float(text) <= most:
        return f"{float(text):g}"
    raise ValueError(f"reduce must be auto or a factor between {least:g} and {most:g}, not “{text[:40]}”.")


RATES = (1, 1000)
"""Least and largest of the setting ``frame_rate``."""


def checked_rate(text: str) -> str:
    """A frame rate as it is stored; raises `ValueError` when it is none."""
    if text == "auto":
        return text
    if re.fullmatch(r"\d{1,6}(\.\d{1,6}|/[1-9]\d{0,5})?", text, re.ASCII) and RATES[0] <= Fraction(text) <= RATES[1]:
        return text
    raise ValueError(f"frame_rate must be auto, or frames per second such as 24, 23.976 or 24000/1001, not “{text[:40]}”.")


def rate_of(text: str) -> Fraction | None:
    """Frames per second that the setting ``frame_rate`` stands for, ``None`` for what pictures say themselves."""
    if text == "auto":
        return None
    rate = Fraction(text)
    ntsc = Fraction(round(rate) * 1000, 1001)
    # 23.976, 29.97 and 59.94 are short for the exact ones
    return ntsc if abs(rate - ntsc) < Fraction(1, 200) else rate


def checked_picture_name(text: str) -> str:
    """A pattern of names of pictures as it is; raises `ValueError` when it makes no good names."""
    around, told = PICTURE_NUMBER.split(text), " ".join(text.split())[:40]
    if len(around) != 3 or re.search(r'[/\\:*?"<>|%\x00-\x1f]', around[0] + around[2]) or text.startswith((".", " ")):
        raise ValueError(f"picture_name must be text with %04d for the number, such as shot.%04d, not “{told}”.")
    return text


FrameRate = Annotated[str, AfterValidator(checked_rate)]
PictureName = Annotated[str, AfterValidator(checked_picture_name)]
TargetSize = Annotated[str, AfterValidator(checked_size)]
Reduction = Annotated[str, AfterValidator(checked_reduction)]

# Ranges of the settings whose default a model declares.
ScaleFactor = Annotated[int, Field(ge=1, le=LARGEST_SCALE)]
StepCount = Annotated[int, Field(ge=1, le=200)]
GuidanceScale = Annotated[float, Field(ge=0.0, le=20.0)]
TileSide = Annotated[int, Field(ge=16, le=256)]
WindowFrames = Annotated[int, Field(ge=1, le=64)]


@dataclass(frozen=True)
class SettingSpec:
    """What a setting is: the command line's options, the window's controls and the validation all follow it.

    Attributes:
        kind: ``int``, ``float``, ``bool`` or ``str``.
        doc: its help text, a sentence.
        default: its value where none is given.
        low, high: range of a number, ``None`` where there is no limit.
        choices: the values of a setting that is chosen from a list, else empty.
        nullable: whether ``None`` leaves it to the model or the input.
    """

    kind: type
    doc: str
    default: Any
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    nullable: bool


def devices_of(device: str) -> tuple[str, ...]:
    """The devices that a setting names."""
    return tuple(device.split(","))


def kind_of(device: str) -> str:
    """The kind of device that a setting names: frames are the same on any number of one kind."""
    return devices_of(device)[0].partition(":")[0]


def needs_crew(device: str) -> bool:
    """Whether what a setting names is more than the one device that a process takes by itself."""
    return kind_of(device) != device


class Settings(Schema):
    """Base of the two groups of settings."""

    error_type: ClassVar[type[UserError]] = SettingsError
    noun: ClassVar[str] = "setting"

    @classmethod
    @functools.cache
    def specs(cls) -> dict[str, SettingSpec]:
        """A `SettingSpec` per setting, in order."""
        return {name: cls._spec(name) for name in cls.model_fields}

    @classmethod
    def _spec(cls, name: str) -> SettingSpec:
        field = cls.model_fields[name]
        listed = choices(field.annotation)
        return SettingSpec(
            # the type hint of choices is a `Literal`, not a class
            kind=type(listed[0]) if listed else plain_type(field.annotation),
            doc=field.description or "",
            default=field.default,
            low=bounds(field)[0],
            high=bounds(field)[1],
            choices=listed,
            nullable=allows_none(field.annotation),
        )


def plain_type(hint: Any) -> type:
    """The class behind ``Annotated[…]`` and ``… | None``."""
    while not isinstance(hint, type):
        hint = typing.get_args(hint)[0]
    return hint


class RestoreSettings(Settings):
    """Everything that decides what the restored frames look like. ``None`` means: as the model declares."""

    model: str = Field(
        default="compact", description="Which model restores: a name from “dcvsr models list” or a checkpoint folder."
    )
    size: TargetSize = Field(
        default="auto",
        description="Size of the result: x1 to x4, 1080p, 1440p, 4k or WIDTHxHEIGHT; auto is the model's factor, up to 4K.",
    )
    reduce: Reduction = Field(
        default="1",
        description="Restore from a picture so many times smaller, where a clip is soft or was enlarged badly; auto measures it.",
    )
    steps: StepCount | None = Field(default=None, description="Sampling steps: more steps refine further and take longer.")
    solver: Solver = Field(
        default="euler",
        description="How a step follows from the estimates: euler, as in Stable Video Diffusion, or dpmpp-2m, for few steps.",
    )
    reuse: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Evaluate the deep part of the U-Net in every so many steps only; its features serve in those between.",
    )
    still: float = Field(
        default=0.0,
        ge=0.0,
        le=16.0,
        description="Frames that differ nowhere by more than so many levels of 255 are restored once; 0 restores every frame.",
    )
    flat: float = Field(
        default=0.0,
        ge=0.0,
        le=16.0,
        description="Tiles such as black bars, flat to so many levels of 255, are enlarged only; 0 restores every tile.",
    )
    guidance: Guidance | None = Field(default=None, description="How detail is sharpened; dssag is the paper's, none is fastest.")
    guidance_scale: GuidanceScale | None = Field(default=None, description="How strongly guidance sharpens; 1 is no guidance.")
    gamma_peak: float = Field(
        default=1.0,
        ge=0.0,
        le=8.0,
        description="How far guidance blurs the attention of the branch it steers away from, at the first step; 0 is plain CFG.",
    )
    gamma_rho: float = Field(
        default=0.5,
        ge=0.05,
        le=8.0,
        description="Shape of the γ curve: small for heavily damaged or drawn video, large for light damage.",
    )
    gamma_direction: GammaDirection = Field(
        default="falling",
        description="Whether γ falls over the steps, as in the paper, rises as the same curve backward, or is mirrored in ln σ.",
    )
    sap: bool | None = Field(
        default=None, description="Spatial attention propagation: tiles of a frame see each other at every second step."
    )
    sap_schedule: SapSchedule = Field(
        default="auto",
        description="How tiles exchange keys: lockstep or staged (exact), two-pass (least memory) or cached (fast).",
    )
    sap_rate: int = Field(
        default=2, ge=1, le=16, description="Stride s at which a tile's tokens are sampled along each axis for the other tiles."
    )
    tap: bool | None = Field(
        default=None,
        description="Temporal attention propagation: neighbouring frame windows see each other at every second step.",
    )
    tap_frames: int = Field(default=4, ge=1, le=14, description="How many frames a window passes on to the next.")
    tap_direction: TapDirection = Field(
        default="alternate", description="Whether windows pass frames on forward, backward, or in alternation."
    )
    tiling: Tiling | None = Field(
        default=None, description="paper: half-overlapping tiles; fast: little overlap with a grid that moves at every step."
    )
    tile: TileSide | None = Field(default=None, description="Side of a tile in latent pixels.")
    window: WindowFrames | None = Field(default=None, description="Frames in a tile.")
    overlap: float = Field(default=0.5, ge=0.0, le=0.75, description="Share of a tile that overlaps the next (paper tiling).")
    segment_frames: int = Field(
        default=56, ge=14, le=1000, description="Frames worked on at once; longer shots are cut into joined segments."
    )
    order: SegmentOrder = Field(
        default="chain",
        description="Whether a segment waits for the one before it, or every other one for both beside it: for several devices.",
    )
    strength: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="How much of the refinement is used: 0 is the enlarged input alone, 1 the full result.",
    )
    grain: float = Field(
        default=0.0,
        ge=0.0,
        le=20.0,
        description="Film grain that is added to the result: its standard deviation at mid grey in levels of 255; 0 adds none.",
    )
    color: Color = Field(default="wavelet", description="How the result's colours are held to the input's.")
    seed: int = Field(
        default=42, ge=0, le=2**31 - 1, description="Start of the random noise; the same seed gives the same frames."
    )
    precision: Precision = Field(
        default="auto", description="Number format of the network; auto is the fastest that the device does well."
    )
    device: Device | Annotated[str, Field(pattern=DEVICE_LIST)] = Field(
        default="auto",
        description="What computes; auto: a CUDA (or ROCm) GPU, Intel's, Apple's, or the processor; several: cuda:0,cuda:1.",
    )
    tile_batch: int = Field(
        default=0, ge=0, le=256, description="Tiles denoised together; 0 chooses what fits. The same result up to rounding."
    )
    compile: Compilation = Field(
        default="off",
        description="Blocks of the U-Net to compile while a long job on a GPU begins; a processor gains nothing by it.",
    )

    propagation_order: PropagationOrder = Field(
        default="tap-last",
        description="Order of SAP and TAP steps: in turns and ending with TAP, as in the paper, or with SAP; or in two halves.",
    )
    propagating_layers: int = Field(
        default=2, ge=1, le=8, description="How many spatial attention layers propagate at either end of the U-Net."
    )
    gamma_layers: GammaLayers = Field(default="all", description="Which spatial attention layers of the U-Net get γ.")
    guidance_low: float = Field(default=0.0, ge=0.0, le=1e5, description="Guidance acts in steps of at least this noise level σ.")
    guidance_high: float = Field(default=1e5, ge=0.0, le=1e5, description="Guidance acts in steps of at most this noise level σ.")
    perturbation: float = Field(
        default=1.0, ge=0.0, le=10.0, description="Scale of SAG and PAG, as a multiple of the s of the guidance scale 1 + s."
    )
    karras_rho: float = Field(
        default=7.0, ge=1.0, le=20.0, description="ρ of the noise levels: larger values make more of the steps at low noise."
    )
    time_overlap: float = Field(
        default=1.0,
        ge=0.0,
        le=6.0,
        description="Overlap of tiles in time, as a multiple of their overlap in space; 0.75 at most.",
    )
    spread: float = Field(
        default=1.0, ge=0.25, le=10.0, description="Width of the Gaussian that merges tiles, as a multiple of the tiling's own."
    )
    clip_frame: ClipFrame = Field(
        default="first", description="Which frame of a segment CLIP sees, for models that declare that it sees one."
    )


RESEARCH_SETTINGS = (
    "propagation_order",
    "propagating_layers",
    "gamma_layers",
    "guidance_low",
    "guidance_high",
    "perturbation",
    "karras_rho",
    "time_overlap",
    "spread",
    "clip_frame",
)
"""Settings for experiments with the method, which command line and window show apart; their defaults are the method's."""


PAPER_SETTINGS: dict[str, Any] = {
    "steps": 25,
    "guidance": "dssag",
    "guidance_scale": 2.0,
    "sap": True,
    "tap": True,
    "tiling": "paper",
    "tile": 64,
}
"""The paper's own, where they are not the defaults."""
FEWER_EVALUATIONS: dict[str, Any] = {
    "steps": 8,
    "reuse": 2,
    "still": 0.5,
    "guidance_low": 0.28,
    "guidance_high": 5.42,
}
"""What takes a fifth to a quarter of the evaluations of `PAPER_SETTINGS`, over these. Guidance acts where it was found to matter
for Stable Diffusion XL (Kynkäänniemi et al. 2024, arXiv 2404.07724); not tried with the paper's weights."""


class ResolvedSettings(RestoreSettings):
    """Settings after `Declaration.resolve`: no ``None`` is left to the model's defaults, see `PlannedSettings` for ``auto``.

    Attributes:
        scale: how many times the network enlarges a picture: the model's own factor, until `planning.sizes` finds the clip's.
    """

    scale: ScaleFactor
    steps: StepCount
    guidance: Guidance
    guidance_scale: GuidanceScale
    sap: bool
    tap: bool
    tiling: Tiling
    tile: TileSide
    window: WindowFrames

    @property
    def reduction(self) -> float:
        """Factor by which pictures are reduced before; 1 where it is still to be measured."""
        return 1.0 if self.reduce == "auto" else float(self.reduce)


class PlannedSettings(ResolvedSettings):
    """Settings as a plan carries them out: no ``auto`` is left either."""

    sap_schedule: Literal["lockstep", "staged", "two-pass", "cached"]
    precision: Literal["fp32", "bf16", "fp16"]
    device: Literal["cuda", "xpu", "mps", "cpu"]
    tile_batch: int = Field(ge=1, le=256)


AUTO_CODEC = (
    "Video codec; auto is H.264 for 8-bit and H.265 for 10-bit video, and what keeps transparency: ProRes in .mov, FFV1 in .mkv."
)


UnfitTracks = Literal["convert", "drop", "mkv"]


class OutputSettings(Settings):
    """How the restored video is written."""

    codec: Codec = Field(default="auto", description=AUTO_CODEC)
    crf: int = Field(default=16, ge=0, le=51, description="Quality: 0 is lossless or best; larger values give smaller files.")
    preset: str = Field(default="medium", description="The encoder's speed preset.")
    bit_depth: int | None = Field(default=None, ge=8, le=16, description="Bits per colour channel; by default as the input.")
    audio: bool = Field(default=True, description="Copy the audio tracks.")
    subtitles: bool = Field(default=True, description="Copy subtitles, chapters and attachments.")
    unfit_tracks: UnfitTracks = Field(
        default="convert",
        description="Audio and subtitles that the container cannot take: convert them, drop them, or name the result .mkv.",
    )
    deinterlace: bool = Field(default=True, description="Deinterlace interlaced video first.")
    frame_rate: FrameRate = Field(
        default="auto", description="Frames per second of a sequence of pictures; auto: what they say themselves, or 25."
    )
    picture_name: PictureName = Field(
        default="%06d", description="What pictures are called in their folder: text and their number, as shot.%04d."
    )
    overwrite: bool = Field(default=False, description="Replace an existing output file.")
