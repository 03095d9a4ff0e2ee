"""Which encoder, pixel format, colour and options an output gets, and which containers can hold it."""

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.video.format import VideoFormat

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.pixels import SAMPLINGS, Siting, is_gray, is_rgb, sampling
from dcvsr_engine.video.probe import VideoInfo

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Suffix → FFmpeg's name of the container."""

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
SVT_PRESETS = dict(zip(PRESETS, (12, 11, 10, 9, 8, 6, 4, 3, 2, 1), strict=True))
DYNAMIC_HDR = {
    "hdr10+": "The HDR10+ data, which says for every scene how it is to be shown,",
    "dolby-vision": "The Dolby Vision layer (colours may look wrong where a video has no other, as in profile 5)",
    "hdr-vivid": "The HDR Vivid data, which says for every scene how it is to be shown,",
}
"""Key of `ColorInfo.dynamic` → what it is."""
NVENC_FORMATS = {"yuv420p10le": "p010le", "yuv444p10le": "yuv444p16le"}
NVENC_PRESETS = dict(zip(PRESETS, ("p1", "p1", "p2", "p3", "p3", "p4", "p5", "p6", "p7", "p7"), strict=True))


@dataclass(frozen=True)
class Codec:
    """A codec the program writes.

    Attributes:
        title: for people.
        name: FFmpeg's name of the codec, ``encoder`` that of its encoder.
        chroma: samplings it takes, preferred first; “rgb” for pictures.
        depths: bits per channel, ascending.
        containers: that can hold it; empty for pictures in a folder.
        segment: container of its segment files, one that keeps any time base exactly.
        limited: it knows no full range.
        fastest: frames per second that its encoder takes at most; times do not depend on it.
    """

    title: str
    name: str
    encoder: str
    chroma: tuple[str, ...]
    depths: tuple[int, ...]
    containers: tuple[str, ...]
    segment: str = "nut"
    limited: bool = False
    fastest: int = 1000


ALL = ("mp4", "mov", "matroska")
CODECS = {
    "h264": Codec("H.264", "h264", "libx264", ("420", "422", "444"), (8, 10), ALL),
    "h265": Codec("H.265", "hevc", "libx265", ("420", "422", "444"), (8, 10, 12), ALL),
    "av1": Codec("AV1", "av1", "libsvtav1", ("420",), (8, 10), ("mp4", "matroska"), fastest=240),
    "ffv1": Codec("FFV1", "ffv1", "ffv1", ("444",), (8, 10, 12, 16), ("matroska",)),
    "prores": Codec("ProRes", "prores", "prores_ks", ("422",), (10,), ("mov", "matroska"), "mov", limited=True),
    "png": Codec("PNG", "png", "png", ("rgb",), (8, 16), ()),
    "tiff": Codec("TIFF", "tiff", "tiff", ("rgb",), (8, 16), (), "mov"),
    "h264_nvenc": Codec("H.264 (NVENC)", "h264", "h264_nvenc", ("420", "444"), (8,), ALL),
    "hevc_nvenc": Codec("H.265 (NVENC)", "hevc", "hevc_nvenc", ("420", "444"), (8, 10), ALL),
}


ON_GPU = tuple(name for name in CODECS if name.endswith("nvenc"))
"""Codecs that only some machines can write."""


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded.

    Attributes:
        name: key of `CODECS`.
        frame_format: pixel format frames are made in; ``pixel_format`` the one the encoder takes (they differ in packing only).
        color: how RGB becomes code values, and the tags written.
        siting: where chroma lies.
        options: of the encoder.
        notes: sentences on what could not be as asked or as in the input.
    """

    name: str
    frame_format: str
    pixel_format: str
    color: ColorInfo
    siting: Siting
    options: dict[str, str]
    notes: tuple[str, ...]

    @property
    def codec(self) -> Codec:
        """The codec."""
        return CODECS[self.name]


def resolved_output(target: Path, info: VideoInfo, output: OutputSettings) -> OutputSettings:
    """Settings with codec and bit depth decided; raises `OutputError` when the target's container cannot hold the codec."""
    suffix = target.suffix.lower()
    depth = output.bit_depth or info.bit_depth
    name = output.codec
    if name == "auto":
        name = "png" if not suffix else "h264" if depth <= 8 else "h265"
    codec = CODECS[name]
    resolved = output.replace(codec=name, bit_depth=next((d for d in codec.depths if d >= depth), codec.depths[-1]))
    if not codec.containers:
        if suffix in CONTAINERS:
            raise OutputError(f"{codec.title} pictures go into a folder; name the output without {suffix}.")
    elif suffix not in CONTAINERS:
        raise OutputError(f"“{target.name}” has no known video suffix; name it {listed(CONTAINERS)}.")
    elif CONTAINERS[suffix] not in codec.containers:
        fitting = [s for s, container in CONTAINERS.items() if container in codec.containers]
        raise OutputError(f"{codec.title} does not go into {suffix}; name the output {listed(fitting)}.")
    if output.preset not in PRESETS:
        raise OutputError(f"The preset must be one of {', '.join(PRESETS)}, not “{output.preset}”.")
    return resolved


def listed(names: Iterable[str]) -> str:
    """“a, b or c”."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def encoding_for(info: VideoInfo, width: int, height: int, output: OutputSettings) -> Encoding:
    """How frames of ``width × height`` pixels made from ``info`` are encoded; ``output`` as `resolved_output` gives it."""
    name = output.codec if output.codec != "auto" else "h264" if (output.bit_depth or info.bit_depth) <= 8 else "h265"
    codec = CODECS[name]
    wanted = output.bit_depth or info.bit_depth
    depth = next((d for d in codec.depths if d >= wanted), codec.depths[-1])
    notes = []
    if depth < info.bit_depth:
        notes.append(f"{codec.title} is written with {depth} bits per channel, the input has {info.bit_depth}.")
    notes += [f"{DYNAMIC_HDR[kind]} is left out." for kind in info.color.dynamic]
    if (info.color.mastering or info.color.light) and name not in ("h264", "h265", "av1"):
        notes.append(f"{codec.title} does not take the HDR10 data on the mastering display along; H.265 does.")
    chroma = chroma_for(codec, info, width, height)
    if chroma == "444" and (width % 2 or height % 2) and "420" in codec.chroma:
        notes.append(f"{width}×{height} is an odd size, which {codec.title} keeps with full colour resolution (4:4:4) only.")
    frame_format = frame_format_for(chroma, depth, name)
    color = output_color(info.color, rgb=chroma == "rgb", limited=codec.limited)
    siting = (0.0, 0.0) if chroma == "420" and color.matrix.startswith("bt2020") else (0.0, 0.5)
    return Encoding(
        name=name,
        frame_format=frame_format,
        pixel_format=NVENC_FORMATS.get(frame_format, frame_format) if name == "hevc_nvenc" else frame_format,
        color=color,
        siting=siting,
        options=options_for(name, output, color, siting, width),
        notes=tuple(notes),
    )


def chroma_for(codec: Codec, info: VideoInfo, width: int, height: int) -> str:
    """4:2:0 where the codec has it, unless the size is odd or chroma finer than that would be lost."""
    if "420" not in codec.chroma:
        return codec.chroma[0]
    needed = "444" if width % 2 or height % 2 else "420"
    layout = VideoFormat(info.pixel_format)
    if needed == "420" and width < 2 * info.width and not is_gray(layout):
        needed = "444" if is_rgb(layout) else SAMPLINGS[sampling(layout)]
    return needed if needed in codec.chroma else codec.chroma[-1]


def frame_format_for(chroma: str, depth: int, name: str) -> str:
    """FFmpeg's pixel format."""
    if chroma == "rgb":
        return "rgb24" if depth == 8 else "rgb48be" if name == "png" else "rgb48le"
    return f"yuv{chroma}p" if depth == 8 else f"yuv{chroma}p{depth}le"


def output_color(color: ColorInfo, *, rgb: bool, limited: bool) -> ColorInfo:
    """The colour of the output: as the input's, in YCbCr or RGB as the codec wants it."""
    if rgb:
        return replace(color, matrix="gbr", range="pc")
    if color.matrix == "gbr":
        color = replace(color, matrix="bt2020nc" if color.primaries == "bt2020" else "bt709", range="tv")
    return replace(color, range="tv") if limited else color


def options_for(name: str, output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """The encoder's options for quality, speed and what only it can write."""
    location = {"chromaloc": "2"} if siting == (0.0, 0.0) else {}
    light = color.light
    display = color.mastering
    if name == "h264":
        params = location | ({"mastering-display": display.x265()} if display else {})
        params |= {"cll": f"{light.max_cll},{light.max_fall}"} if light else {}
        params |= {} if tree_is_repeatable(width) else {"mbtree": "0"}
        return {"crf": str(output.crf), "preset": output.preset} | joined("x264-params", params)
    if name == "h265":
        params = {"log-level": "none", "open-gop": "0"} | location | ({"master-display": display.x265()} if display else {})
        params |= {"max-cll": f"{light.max_cll},{light.max_fall}"} if light else {}
        params |= {"cutree": "0"} if width < 64 else {}  # x265 (API 216) writes past its memory when 33 … 48 pixels wide
        return {"crf": str(output.crf), "preset": output.preset} | joined("x265-params", params)
    if name == "av1":
        params = {"mastering-display": display.svt()} if display else {}
        params |= {"content-light": f"{light.max_cll},{light.max_fall}"} if light else {}
        quality = str(round(output.crf * 63 / 51))
        return {"crf": quality, "preset": str(SVT_PRESETS[output.preset])} | joined("svtav1-params", params)
    if name == "ffv1":
        return {"level": "3", "coder": "range_def", "slicecrc": "1", "g": "1"}
    if name == "prores":
        return {"profile": "hq"}
    if name in ON_GPU:
        return {"rc": "vbr", "cq": str(output.crf), "preset": NVENC_PRESETS[output.preset]}
    return {"compression_algo": "deflate"} if name == "tiff" else {}


def tree_is_repeatable(width: int) -> bool:
    """Whether x264 (API 165) encodes alike every time with its macroblock tree.

    With AVX-512 it does so at widths of whole groups of 8 macroblocks only (measured at 23 widths; with AVX2 at all).
    Without it, at one CRF, three clips took 18 % and 35 % more and 15 % less.
    """
    return math.ceil(width / 16) % 8 == 0


def joined(option: str, params: dict[str, str]) -> dict[str, str]:
    """Several parameters as the one option that passes them on."""
    return {option: ":".join(f"{key}={value}" for key, value in params.items())} if params else {}


def check_encoder(name: str) -> None:
    """Raise `OutputError` when this machine cannot run the encoder (NVENC without an NVIDIA GPU that has one)."""
    codec = CODECS[name]
    try:
        context = av.CodecContext.create(codec.encoder, "w")
        if isinstance(context, av.VideoCodecContext) and name in ON_GPU:
            context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
            context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
            context.open()
    except (av.FFmpegError, ValueError):
        needs = "needs an NVIDIA GPU with an encoder, and its driver" if name in ON_GPU else "cannot be encoded on this machine"
        raise OutputError(f"{codec.title} {needs}; choose another codec.") from None


def codecs_on_gpu() -> tuple[str, ...]:
    """Those of `ON_GPU` that this machine can write."""
    able = []
    for name in ON_GPU:
        with contextlib.suppress(OutputError):
            check_encoder(name)
            able.append(name)
    return tuple(able)
