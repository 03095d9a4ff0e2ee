"""How each setting is presented: its label, its slider, the words for its choices. Meaning and range come from `settings`."""

from dataclasses import dataclass, field
from typing import Any

from app.settings.presets import BUILT_IN
from dcvsr_engine.models.catalogue import catalogue
from dcvsr_engine.models.registry import known_models
from dcvsr_engine.settings import OutputSettings, RestoreSettings


@dataclass(frozen=True)
class Spec:
    """Presentation of one setting.

    Attributes:
        label: short name in the window, in English; see `widgets.words`.
        step: what an arrow key or a click on the field's arrows changes.
        decimals: places after the point.
        bend: 1 for an even slider; larger gives small values more of it.
        slider: whether the setting has a slider.
        suffix: unit behind the number.
        choices: words for each value of a setting that is chosen from a list.
        ends: words for the two ends of the slider.
        free: whether other values than the choices can be typed.
    """

    label: str
    step: float = 1
    decimals: int = 0
    bend: float = 1.0
    slider: bool = True
    suffix: str = ""
    choices: dict[Any, str] = field(default_factory=dict)
    ends: tuple[str, str] | None = None
    free: bool = False


TARGET_SIZES = {
    "auto": "Automatic, up to 4K",
    "x1": "×1 (restore only)",
    "x2": "×2",
    "x3": "×3",
    "x4": "×4",
    "1080p": "1080p",
    "1440p": "1440p",
    "4k": "4K",
}
FIRST_REDUCTIONS = {
    "1": "No",
    "auto": "As measured",
    "1.5": "÷1.5",
    "2": "÷2",
    "3": "÷3",
    "4": "÷4",
}
SOLVERS = {
    "euler": "Euler (SVD's own)",
    "dpmpp-2m": "DPM-Solver++ (2M)",
}
GUIDANCE_NAMES = {
    "none": "None (fastest)",
    "cfg": "CFG",
    "sag": "SAG",
    "pag": "PAG",
    "dssag": "DSSAG (the paper's)",
}
DIRECTIONS = {
    "falling": "Falling (the paper's)",
    "rising": "Rising (backward in time)",
    "mirrored": "Rising (mirrored in ln σ)",
}
PROPAGATION_ORDERS = {
    "tap-last": "In turns, TAP last (the paper's)",
    "sap-last": "In turns, SAP last",
    "sap-first": "First half SAP, then TAP",
    "tap-first": "First half TAP, then SAP",
}
GAMMA_LAYERS = {
    "all": "All",
    "down": "Down blocks",
    "middle": "Middle block",
    "up": "Up blocks",
}
CLIP_FRAMES = {
    "first": "First",
    "middle": "Middle",
    "last": "Last",
}
SAP_SCHEDULES = {
    "auto": "Automatic",
    "lockstep": "Lockstep (exact)",
    "staged": "Staged (exact, less memory)",
    "two-pass": "Two-pass (least memory)",
    "cached": "Cached (fast)",
}
TAP_DIRECTIONS = {
    "alternate": "Alternating",
    "forward": "Forward",
    "backward": "Backward",
}
TILINGS = {
    "paper": "Paper",
    "fast": "Fast",
}
ORDERS = {
    "chain": "One after the other",
    "bricks": "Every other one first (for several devices)",
}
COLORS = {
    "wavelet": "Wavelet",
    "adain": "AdaIN",
    "none": "Unchanged",
}
COMPILATIONS = {
    "off": "No",
    "transformers": "Transformer blocks",
    "all": "Transformer and residual blocks",
}
PRECISIONS = {
    "auto": "Automatic",
    "fp32": "32-bit float",
    "bf16": "bfloat16",
    "fp16": "16-bit float",
}
DEVICES = {
    "auto": "Automatic",
    "cuda": "NVIDIA GPU (CUDA)",
    "xpu": "Intel GPU",
    "mps": "Apple GPU",
    "cpu": "Processor",
}
CODEC_NAMES = {
    "auto": "Automatic",
    "h264": "H.264",
    "h265": "H.265",
    "av1": "AV1",
    "ffv1": "FFV1 (lossless)",
    "prores": "ProRes",
    "png": "PNG pictures",
    "tiff": "TIFF pictures",
    "exr": "EXR pictures (linear light)",
    "dpx": "DPX pictures",
    "h264_nvenc": "H.264 on the NVIDIA GPU",
    "hevc_nvenc": "H.265 on the NVIDIA GPU",
    "h264_qsv": "H.264 on the Intel GPU",
    "hevc_qsv": "H.265 on the Intel GPU",
    "h264_amf": "H.264 on the AMD GPU",
    "hevc_amf": "H.265 on the AMD GPU",
    "h264_vaapi": "H.264 by VA-API (Linux)",
    "hevc_vaapi": "H.265 by VA-API (Linux)",
    "h264_videotoolbox": "H.264 on the Mac's encoder",
    "hevc_videotoolbox": "H.265 on the Mac's encoder",
}
UNFIT_TRACKS = {
    "convert": "Convert",
    "drop": "Drop",
    "mkv": "Use .mkv",
}
SPEEDS = {
    "ultrafast": "Ultra fast",
    "veryfast": "Very fast",
    "fast": "Fast",
    "medium": "Medium",
    "slow": "Slow",
    "veryslow": "Very slow",
}
BIT_DEPTHS = {
    None: "As the input",
    8: "8 bits",
    10: "10 bits",
    12: "12 bits",
    16: "16 bits",
}

FRAME_RATES = {
    "auto": "Their own, or 25",
    "23.976": "23.976",
    "24": "24",
    "25": "25",
    "29.97": "29.97",
    "30": "30",
    "50": "50",
    "59.94": "59.94",
    "60": "60",
}
PICTURE_NAMES = {
    "%06d": "000001",
    "%04d": "0001",
    "frame.%04d": "frame.0001",
}

RESTORE_SPECS: dict[str, Spec] = {
    "model": Spec("Model"),
    "size": Spec("Size", choices=TARGET_SIZES, free=True),
    "reduce": Spec("Reduce first", choices=FIRST_REDUCTIONS),
    "steps": Spec("Steps", bend=2),
    "solver": Spec("Solver", choices=SOLVERS),
    "still": Spec("Still frames once, up to", step=0.5, decimals=1, suffix=" / 255"),
    "flat": Spec("Only enlarge tiles flat to", step=0.5, decimals=1, suffix=" / 255"),
    "reuse": Spec("Steps per whole evaluation"),
    "guidance": Spec("Guidance", choices=GUIDANCE_NAMES),
    "guidance_scale": Spec("Guidance scale", step=0.1, decimals=2, bend=2),
    "gamma_peak": Spec("γ peak", step=0.05, decimals=2, bend=2),
    "gamma_rho": Spec("ρ", step=0.05, decimals=2, bend=3),
    "gamma_direction": Spec("γ over the steps", choices=DIRECTIONS),
    "sap": Spec("SAP: tiles of a frame see each other"),
    "sap_schedule": Spec("SAP schedule", choices=SAP_SCHEDULES),
    "sap_rate": Spec("SAP rate s"),
    "tap": Spec("TAP: neighbouring windows see each other"),
    "tap_frames": Spec("TAP frames L"),
    "tap_direction": Spec("TAP direction", choices=TAP_DIRECTIONS),
    "tiling": Spec("Tiling", choices=TILINGS),
    "tile": Spec("Tile side", step=8),
    "window": Spec("Tile frames"),
    "overlap": Spec("Overlap", step=0.05, decimals=2),
    "segment_frames": Spec("Segment frames", bend=2),
    "order": Spec("Order of segments", choices=ORDERS),
    "strength": Spec("Detail", step=0.05, decimals=2, ends=("Calm", "Detailed")),
    "grain": Spec("Film grain", step=0.5, decimals=1),
    "color": Spec("Colours", choices=COLORS),
    "seed": Spec("Seed", slider=False),
    "precision": Spec("Precision", choices=PRECISIONS),
    "device": Spec("Device", choices=DEVICES),
    "tile_batch": Spec("Tiles at once", bend=2),
    "compile": Spec("Compile the network", choices=COMPILATIONS),
    "propagation_order": Spec("Order of SAP and TAP", choices=PROPAGATION_ORDERS),
    "propagating_layers": Spec("Propagating layers"),
    "gamma_layers": Spec("Layers with γ", choices=GAMMA_LAYERS),
    "guidance_low": Spec("Guidance from σ", step=0.1, decimals=3, slider=False),
    "guidance_high": Spec("Guidance up to σ", step=1, decimals=3, slider=False),
    "perturbation": Spec("SAG and PAG scale", step=0.1, decimals=2, bend=2, suffix=" × s"),
    "karras_rho": Spec("ρ of noise levels", step=0.5, decimals=1),
    "time_overlap": Spec("Overlap in time", step=0.1, decimals=2, bend=2, suffix=" ×"),
    "spread": Spec("Width of the Gaussian", step=0.1, decimals=2, bend=2, suffix=" ×"),
    "clip_frame": Spec("Frame that CLIP sees", choices=CLIP_FRAMES),
}
OUTPUT_SPECS: dict[str, Spec] = {
    "codec": Spec("Codec", choices=CODEC_NAMES),
    "crf": Spec("Quality (CRF)"),
    "preset": Spec("Encoder speed", choices=SPEEDS),
    "bit_depth": Spec("Bit depth", choices=BIT_DEPTHS),
    "audio": Spec("Keep the audio"),
    "subtitles": Spec("Keep subtitles and chapters"),
    "unfit_tracks": Spec("Tracks that do not fit", choices=UNFIT_TRACKS),
    "deinterlace": Spec("Deinterlace"),
    "frame_rate": Spec("Frame rate of pictures", choices=FRAME_RATES, free=True),
    "picture_name": Spec("Names of pictures", choices=PICTURE_NAMES, free=True),
    "overwrite": Spec("Replace an existing file"),
}


def missing() -> list[str]:
    """Settings without a `Spec`, and values without words; empty unless one was forgotten here."""
    gaps = []
    for owner, specs in ((RestoreSettings, RESTORE_SPECS), (OutputSettings, OUTPUT_SPECS)):
        gaps += [name for name in owner.specs() if name not in specs]
        for name, spec in specs.items():
            gaps += [f"{name}={value}" for value in owner.specs()[name].choices if value not in spec.choices]
    return gaps


def texts() -> list[str]:
    """Every text that `words` translates."""
    found = [text for preset in BUILT_IN for text in (preset.name, preset.doc)]
    for owner, specs in ((RestoreSettings, RESTORE_SPECS), (OutputSettings, OUTPUT_SPECS)):
        for name, spec in specs.items():
            found += [spec.label, owner.specs()[name].doc, *spec.choices.values(), *(spec.ends or ())]
    for entry in catalogue():
        found += [entry.title, entry.summary, entry.licence, entry.licence_summary, entry.repository_note, entry.size_note]
        found.append(entry.memory_note)
    for model in known_models():
        if model.built_in and model.declaration:
            found += [model.title, model.declaration.description, model.declaration.training_data]
    return list(dict.fromkeys(text for text in found if text))
