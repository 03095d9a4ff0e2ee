"""Codecs the program writes, one row each, and how an output is encoded: pixel format, colour, options, container."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.video.format import VideoFormat

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import GPU_CODECS, Codec, OutputSettings
from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.film import LIGHT_CODEC
from dcvsr_engine.video.pixels import SAMPLINGS, Siting, is_gray, is_rgb, sampling
from dcvsr_engine.video.probe import VideoInfo

CONTAINER_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Suffix → FFmpeg's name of the container."""

SPEED_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
SVT_PRESETS = dict(zip(SPEED_PRESETS, (12, 11, 10, 9, 8, 6, 4, 3, 2, 1), strict=True))
NVENC_PRESETS = dict(zip(SPEED_PRESETS, ("p1", "p1", "p2", "p3", "p3", "p4", "p5", "p6", "p7", "p7"), strict=True))
PACKED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}
GPU_FORMATS = {
    "hevc_nvenc": {"yuv420p10le": "p010le", "yuv444p10le": "yuv444p16le"},
    "h264_qsv": PACKED,
    "hevc_qsv": PACKED,
    "h264_amf": PACKED,
    "hevc_amf": PACKED,
    "h264_vaapi": PACKED,
    "hevc_vaapi": PACKED,
    "h264_videotoolbox": PACKED,
    "hevc_videotoolbox": PACKED,
}
"""Encoder of a GPU → planar pixel format → the one that the encoder takes for it."""
QSV_PRESETS = dict(zip(SPEED_PRESETS, ("veryfast",) * 3 + SPEED_PRESETS[3:9] + ("veryslow",), strict=True))
AMF_PRESETS = dict(zip(SPEED_PRESETS, ("speed",) * 5 + ("balanced",) + ("quality",) * 4, strict=True))
GPU_NEEDS = {
    "nvenc": "an NVIDIA GPU with an encoder, and its driver",
    "qsv": "an Intel GPU with Quick Sync, and its driver",
    "amf": "an AMD GPU, and AMF's driver",
    "vaapi": "a GPU with VA-API on Linux, its driver, and an FFmpeg that was built with VA-API",
    "videotoolbox": "a Mac",
}
"""End of an encoder's name → what the machine has to have for it."""
TRIAL_FRAMES = 3

DYNAMIC_HDR = {
    "hdr10+": "The HDR10+ data, which describes each scene's brightness,",
    "dolby-vision": "The Dolby Vision layer (colours may look wrong where a video has no other, as in profile 5)",
    "hdr-vivid": "The HDR Vivid data, which describes each scene's brightness,",
}
"""Key of `ColorInfo.dynamic` → its name in a sentence."""

TOP_LEFT: Siting = (0.0, 0.0)
LEFT: Siting = (0.0, 0.5)


# -- encoder options --------------------------------------------------------------------------------------------

Options = Callable[[OutputSettings, ColorInfo, Siting, int], dict[str, str]]
"""An encoder's options, from the settings, the colour, where chroma lies, and the width in pixels."""


def x264_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Quality, speed, HDR10 data, chroma location; see `Options`."""
    params = chroma_location(siting)
    if color.mastering:
        params["mastering-display"] = color.mastering.x265()
    if color.light:
        params["cll"] = f"{color.light.max_cll},{color.light.max_fall}"
    if not tree_is_repeatable(width):
        params["mbtree"] = "0"
    return {"crf": str(output.crf), "preset": output.preset} | combined("x264-params", params)


def x265_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Quality, speed, HDR10 data, chroma location; closed groups of pictures, so that segments can be joined."""
    # x265 writes to the terminal by itself
    params = {"log-level": "none", "open-gop": "0"} | chroma_location(siting)
    if color.mastering:
        params["master-display"] = color.mastering.x265()
    if color.light:
        params["max-cll"] = f"{color.light.max_cll},{color.light.max_fall}"
    if width < 64:
        params["cutree"] = "0"  # x265 (API 216) writes past its memory when 33 … 48 pixels wide
    return {"crf": str(output.crf), "preset": output.preset} | combined("x265-params", params)


def svt_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Quality on AV1's scale of 0 … 63, speed, HDR10 data."""
    params = {}
    if color.mastering:
        params["mastering-display"] = color.mastering.svt()
    if color.light:
        params["content-light"] = f"{color.light.max_cll},{color.light.max_fall}"
    quality = str(round(output.crf * 63 / 51))
    return {"crf": quality, "preset": str(SVT_PRESETS[output.preset])} | combined("svtav1-params", params)


def nvenc_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quality, speed."""
    return {"rc": "vbr", "cq": str(output.crf), "preset": NVENC_PRESETS[output.preset]}


def qsv_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quality (ICQ), speed."""
    return {"global_quality": str(max(1, output.crf)), "preset": QSV_PRESETS[output.preset]}


def amf_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quantizers, speed."""
    quality = str(output.crf)
    return {"rc": "cqp", "qp_i": quality, "qp_p": quality, "quality": AMF_PRESETS[output.preset]}


def vaapi_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quantizers; drivers have one speed."""
    return {"rc_mode": "CQP", "qp": str(max(1, output.crf))}


def videotoolbox_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quality on VideoToolbox's scale of 1 … 100, in FFmpeg's 118ths."""
    return {"flags": "+qscale", "global_quality": str(118 * max(1, round(100 - 1.6 * output.crf)))}


def openh264_options(output: OutputSettings, color: ColorInfo, siting: Siting, width: int) -> dict[str, str]:
    """Constant quality, a keyframe at least every 250 frames; one thread, so that every machine encodes alike."""
    quality = str(output.crf)
    return {"rc_mode": "quality", "qmin": quality, "qmax": quality, "g": "250", "threads": "1"}


def always(**options: str) -> Options:
    """Options that depend on nothing."""
    return lambda output, color, siting, width: dict(options)


def chroma_location(siting: Siting) -> dict[str, str]:
    """x264's and x265's parameter where chroma does not lie on the left, which is what they assume."""
    return {"chromaloc": "2"} if siting == TOP_LEFT else {}


def tree_is_repeatable(width: int) -> bool:
    """Whether x264 (API 165) encodes alike every time with its macroblock tree.

    With AVX-512 it does so at widths of whole groups of 8 macroblocks only (measured at 23 widths; with AVX2 at all).
    Without it, at one CRF, three clips took 18 % and 35 % more and 15 % less.
    """
    return math.ceil(width / 16) % 8 == 0


def combined(option: str, params: dict[str, str]) -> dict[str, str]:
    """Several parameters as the one option that passes them on."""
    return {option: ":".join(f"{key}={value}" for key, value in params.items())} if params else {}


# -- codecs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VideoCodec:
    """A codec the program writes.

    Attributes:
        title: for users.
        name: FFmpeg's name of the codec, ``encoder`` that of its encoder.
        chroma: samplings it takes, preferred first; “rgb” for pictures.
        depths: bits per channel, ascending.
        containers: that can hold it; empty for pictures in a folder.
        options: of the encoder.
        segment: container of its segment files, one that keeps any time base exactly.
        hdr10: whether it stores HDR10 data on the mastering display.
        limited: whether it has no full range.
        fastest: frames per second that its encoder takes at most; times do not depend on it.
        alpha: options of the encoder for frames with an alpha channel; ``None`` where it has none.
    """

    title: str
    name: str
    encoder: str
    chroma: tuple[str, ...]
    depths: tuple[int, ...]
    containers: tuple[str, ...]
    options: Options
    segment: str = "nut"
    hdr10: bool = False
    limited: bool = False
    fastest: int = 1000
    alpha: Options | None = None

    @property
    def on_gpu(self) -> bool:
        """Whether only some machines can write it."""
        return self.encoder in GPU_CODECS

    @property
    def is_light(self) -> bool:
        """Whether it stores light instead of what a display shows."""
        return self.name == LIGHT_CODEC

    def depth_for(self, wanted: int) -> int:
        """The least of its bit depths that keeps ``wanted`` bits, or its greatest."""
        return next((depth for depth in self.depths if depth >= wanted), self.depths[-1])


ALL = ("mp4", "mov", "matroska")
SAMPLED = ("420", "422", "444")
FFV1 = always(level="3", coder="range_def", slicecrc="1", g="1")
HALF_FLOATS = always(format="half", compression="zip16")
DEFLATED = always(compression_algo="deflate")
VIDEO_CODECS = {
    "h264": VideoCodec("H.264", "h264", "libx264", SAMPLED, (8, 10), ALL, x264_options, hdr10=True),
    "h265": VideoCodec("H.265", "hevc", "libx265", SAMPLED, (8, 10, 12), ALL, x265_options, hdr10=True),
    "av1": VideoCodec("AV1", "av1", "libsvtav1", ("420",), (8, 10), ("mp4", "matroska"), svt_options, hdr10=True, fastest=240),
    "ffv1": VideoCodec("FFV1", "ffv1", "ffv1", ("444",), (8, 10, 12, 16), ("matroska",), FFV1, alpha=FFV1),
    "prores": VideoCodec(
        "ProRes",
        "prores",
        "prores_ks",
        ("422",),
        (10,),
        ("mov", "matroska"),
        always(profile="hq"),
        "mov",
        limited=True,
        alpha=always(profile="4444", alpha_bits="16"),
    ),
    "png": VideoCodec("PNG", "png", "png", ("rgb",), (8, 16), (), always(), alpha=always()),
    "tiff": VideoCodec("TIFF", "tiff", "tiff", ("rgb",), (8, 16), (), DEFLATED, "mov", alpha=DEFLATED),
    "exr": VideoCodec("EXR", "exr", "exr", ("rgb",), (16,), (), HALF_FLOATS, "mov", alpha=HALF_FLOATS),
    "dpx": VideoCodec("DPX", "dpx", "dpx", ("rgb",), (8, 10, 12, 16), (), always(), "mov", alpha=always()),
    "h264_nvenc": VideoCodec("H.264 (NVENC)", "h264", "h264_nvenc", ("420", "444"), (8,), ALL, nvenc_options),
    "hevc_nvenc": VideoCodec("H.265 (NVENC)", "hevc", "hevc_nvenc", ("420", "444"), (8, 10), ALL, nvenc_options),
    "h264_qsv": VideoCodec("H.264 (Quick Sync)", "h264", "h264_qsv", ("420",), (8,), ALL, qsv_options),
    "hevc_qsv": VideoCodec("H.265 (Quick Sync)", "hevc", "hevc_qsv", ("420",), (8, 10), ALL, qsv_options),
    "h264_amf": VideoCodec("H.264 (AMF)", "h264", "h264_amf", ("420",), (8,), ALL, amf_options),
    "hevc_amf": VideoCodec("H.265 (AMF)", "hevc", "hevc_amf", ("420",), (8, 10), ALL, amf_options),
    "h264_vaapi": VideoCodec("H.264 (VA-API)", "h264", "h264_vaapi", ("420",), (8,), ALL, vaapi_options),
    "hevc_vaapi": VideoCodec("H.265 (VA-API)", "hevc", "hevc_vaapi", ("420",), (8, 10), ALL, vaapi_options),
    "h264_videotoolbox": VideoCodec(
        "H.264 (VideoToolbox)", "h264", "h264_videotoolbox", ("420",), (8,), ALL, videotoolbox_options
    ),
    "hevc_videotoolbox": VideoCodec(
        "H.265 (VideoToolbox)", "hevc", "hevc_videotoolbox", ("420",), (8, 10), ALL, videotoolbox_options
    ),
}

OPENH264 = VideoCodec("H.264", "h264", "libopenh264", ("420",), (8,), ALL, openh264_options)
"""H.264 where FFmpeg has no x264."""


@cache
def has_encoder(name: str) -> bool:
    """Whether the FFmpeg at hand has an encoder."""
    try:
        return bool(av.Codec(name, "w"))
    except ValueError:
        return False


def codec_here(key: str) -> VideoCodec:
    """A codec with the encoder that is at hand for it."""
    codec = VIDEO_CODECS[key]
    return OPENH264 if key == "h264" and not has_encoder(codec.encoder) else codec


def check_encoder(key: str) -> None:
    """Raise `OutputError` when this machine cannot run an encoder (NVENC without an NVIDIA GPU that has one)."""
    codec = codec_here(key)
    if not (encodes(codec.encoder) if codec.on_gpu else has_encoder(codec.encoder)):
        needed = GPU_NEEDS.get(codec.encoder.rpartition("_")[2])
        cause = f"needs {needed}" if codec.on_gpu else "cannot be encoded on this machine"
        raise OutputError(f"{codec.title} {cause}; choose another codec.")


def upload_to(encoder: str) -> HWAccel | None:
    """The device that frames are uploaded to before they are encoded; ``None`` for encoders that take them from memory.

    PyAV 18 makes the device's frames itself, but its wheel's FFmpeg is built without VA-API: so they are missing there,
    and only a PyAV built against another FFmpeg has them. Nothing here has been run on such a machine.
    """
    return HWAccel("vaapi") if encoder.endswith("_vaapi") else None


@cache
def encodes(encoder: str) -> bool:
    """Whether an encoder of a GPU really encodes here: only a trial tells."""
    if not has_encoder(encoder):
        return False
    try:
        context = av.CodecContext.create(encoder, "w", upload_to(encoder))
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = 256, 256, GPU_FORMATS.get(encoder, {}).get("yuv420p", "yuv420p")
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        packets = []
        for number in range(TRIAL_FRAMES):
            frame = av.VideoFrame(256, 256, context.pix_fmt)
            frame.pts = number
            packets += context.encode(frame)
        return bool(packets + context.encode(None))
    except (av.FFmpegError, ValueError, NotImplementedError):
        return False


def codec_that_encodes(key: Codec) -> Codec:
    """A codec, or where it needs a GPU that cannot encode it here, the same one by software."""
    codec = VIDEO_CODECS[key]
    if not codec.on_gpu or encodes(codec.encoder):
        return key
    return "h264" if codec.name == "h264" else "h265"


def fallback_notes(asked: OutputSettings, resolved: OutputSettings) -> list[str]:
    """A sentence where software encodes what a GPU was asked to."""
    if asked.codec in ("auto", resolved.codec):
        return []
    title, needed = VIDEO_CODECS[asked.codec].title, GPU_NEEDS[asked.codec.rpartition("_")[2]]
    return [f"{title} does not work here, as it needs {needed}; {codec_here(resolved.codec).title} is encoded by software."]


def needs_even_sides(key: str) -> bool:
    """Whether a codec has only colour of half the resolution, which takes even sizes."""
    return codec_here("h264" if key == "auto" else key).chroma == ("420",)


def missing_codecs() -> tuple[str, ...]:
    """Those of `VIDEO_CODECS` that this machine cannot write."""
    missing = []
    for key in VIDEO_CODECS:
        try:
            check_encoder(key)
        except OutputError:
            missing.append(key)
    return tuple(missing)


# -- decisions --------------------------------------------------------------------------------------------------


def resolved_output(target: Path, info: VideoInfo, output: OutputSettings) -> OutputSettings:
    """Decide codec and bit depth, in this place only.

    Args:
        target: output file, or folder for pictures.
        info: of the input.
        output: settings in which both may be left open.

    Returns:
        Settings with both given.

    Raises:
        OutputError: the target's container cannot hold the codec, or the preset is unknown.
    """
    suffix = target.suffix.lower()
    depth = output.bit_depth or info.bit_depth
    key = output.codec
    if key == "auto":
        key = open_codec(suffix, info, depth)
    key = codec_that_encodes(key)
    codec = codec_here(key)
    check_container(target, codec)
    if output.preset not in SPEED_PRESETS:
        raise OutputError(f"The preset must be one of {', '.join(SPEED_PRESETS)}, not “{output.preset}”.")
    return output.replace(codec=key, bit_depth=codec.depth_for(depth))


def names_of_pictures(output: OutputSettings) -> str | None:
    """How the pictures of a result are called, see `storage.picture_name`; ``None`` where it is a file."""
    return None if VIDEO_CODECS[output.codec].containers else output.picture_name


def open_codec(suffix: str, info: VideoInfo, depth: int) -> Codec:
    """The codec of an output with a ``suffix`` and ``depth`` bits, where the user leaves it open."""
    if not suffix:
        return FILM_TARGETS.get(info.codec, "png")
    deep: Codec = "h265" if has_encoder(VIDEO_CODECS["h265"].encoder) else "prores" if suffix == ".mov" else "av1"
    usual: Codec = "h264" if depth <= 8 else deep
    return TRANSPARENT.get(suffix, usual) if info.alpha and "alpha" in info.extras else usual


FILM_TARGETS: dict[str, Codec] = {"exr": "exr", "dpx": "dpx"}
"""Codec of pictures → that of the pictures made from them, where it is not PNG."""

TRANSPARENT: dict[str, Codec] = {".mov": "prores", ".mkv": "ffv1"}
"""Suffix → codec for videos with an alpha channel."""


def check_container(target: Path, codec: VideoCodec) -> None:
    """Raise `OutputError` when the container that the target's suffix names cannot hold a codec."""
    suffix = target.suffix.lower()
    if not codec.containers:
        if suffix in CONTAINER_FORMATS:
            raise OutputError(f"{codec.title} pictures go into a folder; name the output without {suffix}.")
    elif suffix not in CONTAINER_FORMATS:
        raise OutputError(f"“{target.name}” has no known video suffix; name it {listed(CONTAINER_FORMATS)}.")
    elif CONTAINER_FORMATS[suffix] not in codec.containers:
        fitting = [s for s, container in CONTAINER_FORMATS.items() if container in codec.containers]
        raise OutputError(f"{codec.title} does not go into {suffix}; name the output {listed(fitting)}.")


def listed(names: Iterable[str]) -> str:
    """“a, b or c”."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded.

    Attributes:
        key: of the codec in `VIDEO_CODECS`.
        frame_format: pixel format frames are made in; ``pixel_format`` the one the encoder takes (they differ in packing only).
        color: how RGB becomes code values, and the tags written.
        siting: where chroma lies.
        options: of the encoder.
        notes: sentences on what could not be as asked or as in the input.
        alpha: whether frames have an alpha channel.
    """

    key: str
    frame_format: str
    pixel_format: str
    color: ColorInfo
    siting: Siting
    options: dict[str, str]
    notes: tuple[str, ...]
    alpha: bool = False

    @property
    def codec(self) -> VideoCodec:
        """The codec."""
        return codec_here(self.key)

    @property
    def is_light(self) -> bool:
        """See `VideoCodec`."""
        return self.codec.is_light


def encoding_for(info: VideoInfo, width: int, height: int, output: OutputSettings) -> Encoding:
    """How restored frames are encoded.

    Args:
        info: of the input.
        width, height: of a restored frame, in pixels.
        output: as `resolved_output` gives it.

    Raises:
        OutputError: the codec takes no such size.
        ValueError: codec or bit depth are still open.
    """
    if output.codec == "auto" or output.bit_depth is None:
        raise ValueError("codec and bit depth are not decided yet; see resolved_output")
    codec = codec_here(output.codec)
    if codec is OPENH264 and (width % 2 or height % 2):
        raise OutputError(f"OpenH264 does not take the odd size {width}×{height}; choose another codec, such as AV1.")
    with_alpha = codec.alpha if info.alpha else None
    # DPX of 10 and 12 bits are read with an alpha channel, but not written
    depth = 16 if with_alpha and output.codec == "dpx" and output.bit_depth > 8 else output.bit_depth
    chroma = chroma_for(codec, info, width, height) if with_alpha is None or codec.chroma == ("rgb",) else "444"
    color = output_color(info.color, rgb=chroma == "rgb", limited=codec.limited)
    siting = TOP_LEFT if chroma == "420" and color.matrix.startswith("bt2020") else LEFT
    frame_format = frame_format_for(chroma, depth, output.codec, with_alpha is not None)
    return Encoding(
        key=output.codec,
        frame_format=frame_format,
        pixel_format=GPU_FORMATS.get(codec.encoder, {}).get(frame_format, frame_format),
        color=color,
        siting=siting,
        options=(with_alpha or codec.options)(output, color, siting, width),
        alpha=with_alpha is not None,
        notes=tuple(encoding_notes(codec, info, depth, chroma, width, height)),
    )


def encoding_notes(codec: VideoCodec, info: VideoInfo, depth: int, chroma: str, width: int, height: int) -> list[str]:
    """List in sentences what the codec does not keep of the input, or stores differently.

    Args:
        codec: of the output.
        info: of the input.
        depth: bits per channel that are written.
        chroma: sampling that is written, as `chroma_for` gives it.
        width, height: of a restored frame, in pixels.
    """
    notes = []
    if depth < info.bit_depth:
        notes.append(f"{codec.title} is written with {depth} bits per channel, the input has {info.bit_depth}.")
    notes += [f"{DYNAMIC_HDR[kind]} is left out." for kind in info.color.dynamic]
    if (info.color.mastering or info.color.light) and not codec.hdr10:
        notes.append(f"{codec.title} does not store the HDR10 data on the mastering display; H.265 does.")
    if chroma == "444" and (width % 2 or height % 2) and "420" in codec.chroma:
        notes.append(f"{width}×{height} is an odd size, which {codec.title} keeps with full colour resolution (4:4:4) only.")
    return notes


def chroma_for(codec: VideoCodec, info: VideoInfo, width: int, height: int) -> str:
    """Choose the chroma sampling: 4:2:0 where the codec has it, unless the size is odd or finer chroma would be lost.

    Args:
        codec: of the output.
        info: of the input.
        width, height: of a restored frame, in pixels.
    """
    if "420" not in codec.chroma:
        return codec.chroma[0]
    needed = "444" if width % 2 or height % 2 else "420"
    layout = VideoFormat(info.pixel_format)
    # at twice the width or more, 4:2:0 of the result is as fine as full chroma of the input
    if needed == "420" and width < 2 * info.width and not is_gray(layout):
        needed = "444" if is_rgb(layout) else SAMPLINGS[sampling(layout)]
    return needed if needed in codec.chroma else codec.chroma[-1]


def frame_format_for(chroma: str, depth: int, key: str, alpha: bool) -> str:
    """Name the pixel format that frames are made in, as FFmpeg calls it.

    Args:
        chroma: “420”, “422”, “444” or “rgb”.
        depth: bits per channel.
        key: of the codec in `VIDEO_CODECS`.
        alpha: whether there is an alpha channel.
    """
    if key == "exr":
        return "gbrapf32le" if alpha else "gbrpf32le"
    if key == "dpx" and depth in (10, 12):
        return f"gbrp{depth}le"
    if chroma == "rgb":
        eight, sixteen = ("rgba", "rgba64") if alpha else ("rgb24", "rgb48")
        # their 16 bits are stored big-endian
        return eight if depth == 8 else f"{sixteen}be" if key in ("png", "dpx") else f"{sixteen}le"
    if alpha:
        depth = 16 if depth == 12 else depth  # FFmpeg 5 does not read FFV1's 12 bits with alpha
    name = f"yuv{'a' if alpha else ''}{chroma}p"
    return name if depth == 8 else f"{name}{depth}le"


def output_color(color: ColorInfo, *, rgb: bool, limited: bool) -> ColorInfo:
    """Describe the output's colour: the input's, in YCbCr or RGB as the codec takes it.

    Args:
        color: the input's.
        rgb: whether the codec stores RGB.
        limited: whether the codec has no full range.
    """
    if rgb:
        return replace(color, matrix="gbr", range="pc")
    if color.matrix == "gbr":
        color = replace(color, matrix="bt2020nc" if color.primaries == "bt2020" else "bt709", range="tv")
    return replace(color, range="tv") if limited else color
