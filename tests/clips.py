"""Small clips with known content, made on the fly; every frame shows its number, which survives lossy coding."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
BITS = 8
"""Bits of the frame number, drawn as square blocks along the top."""

BT709 = (1, 1, 1, 1)
BT601 = (6, 1, 6, 6)
HDR10 = (9, 1, 9, 16)
"""Codes of matrix, range, primaries, transfer (ITU-T H.273)."""

LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


@dataclass(frozen=True)
class Clip:
    """What `write_clip` makes.

    ``pts`` in ticks of ``time_base``; ``color``: codes of matrix, range, primaries, transfer; ``rotation``: display matrix,
    counter-clockwise degrees and mirror; ``audio``: (language, title) per track; ``subtitles``: (start, end, text) in seconds;
    ``chapters``: (start, end, title) in seconds; ``attachments``: (name, type, bytes).
    """

    pts: Sequence[int] = range(8)
    time_base: Fraction = Fraction(1, 25)
    rate: Fraction = Fraction(25)
    width: int = WIDTH
    height: int = HEIGHT
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    color: tuple[int, int, int, int] = BT709
    tagged: bool = True
    aspect: Fraction = Fraction(1)
    rotation: tuple[int, bool] | None = None
    interlaced: bool = False
    audio: Sequence[tuple[str, str]] = ()
    audio_codec: str = "aac"
    audio_start: Fraction = Fraction(0)
    subtitles: Sequence[tuple[float, float, str]] = ()
    chapters: Sequence[tuple[float, float, str]] = ()
    attachments: Sequence[tuple[str, str, bytes]] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    picture: Callable[[int, int, int], NDArray[np.float64]] | None = None


def numbered(index: int, width: int, height: int) -> NDArray[np.float64]:
    """RGB ``(height, width, 3)``: a soft moving pattern below the frame's number."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    wave = 0.5 + 0.3 * np.sin((columns + 2 * rows + 5 * index) / 9)
    pixels = np.stack([wave, 1 - wave, np.full_like(wave, 0.4)], -1)
    unit = width // BITS
    for bit in range(BITS):
        pixels[:unit, bit * unit : (bit + 1) * unit] = 0.9 if index >> bit & 1 else 0.1
    return pixels


def number_of(pixels: NDArray[Any]) -> int:
    """The number in a frame ``(height, width, 3)`` of `numbered`, at any scale."""
    unit = pixels.shape[1] // BITS
    return sum(int(pixels[unit // 2, bit * unit + unit // 2].mean() > 0.5) << bit for bit in range(BITS))


BARS = np.array([(r, g, b) for r in (1, 0) for g in (1, 0) for b in (1, 0)], float) * 0.75 + 0.1


def bars(index: int, width: int, height: int) -> NDArray[np.float64]:
    """Eight colour bars."""
    return np.broadcast_to(BARS[np.arange(width) * 8 // width], (height, width, 3))


def codes(rgb: NDArray[Any], color: tuple[int, int, int, int], bits: int) -> NDArray[np.float64]:
    """Y'CbCr code values ``(3, height, width)``, not rounded, written out from H.273 equations 31 to 41."""
    red, green, blue = np.moveaxis(np.asarray(rgb, float), -1, 0)
    kr, kb = LUMA[color[0]]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = 0.5 * (blue - luma) / (1 - kb), 0.5 * (red - luma) / (1 - kr)
    if color[1] == 2:
        top = 2**bits - 1
        return np.stack([luma * top, cb * top + 2 ** (bits - 1), cr * top + 2 ** (bits - 1)])
    step = 2 ** (bits - 8)
    return np.stack([(219 * luma + 16) * step, (224 * cb + 128) * step, (224 * cr + 128) * step])


def video_frame(rgb: NDArray[Any], pixel_format: str, color: tuple[int, int, int, int]) -> av.VideoFrame:
    """A frame with exactly rounded code values; chroma is averaged over the pixels that share it."""
    height, width = rgb.shape[:2]
    frame = av.VideoFrame(width, height, pixel_format)
    bits = frame.format.components[0].bits
    packed = frame.format.is_rgb
    planes = rgb.reshape(1, height, -1) * (2**bits - 1) if packed else codes(rgb, color, bits)
    for place, plane in enumerate(frame.planes):
        values = planes[place]
        if place:
            down, across = round(height / plane.height), round(width / plane.width)
            padded = np.pad(values, ((0, -height % down), (0, -width % across)), mode="edge")
            values = padded.reshape(plane.height, down, plane.width, across).mean((1, 3))
        kind = "u1" if bits == 8 else ">u2" if pixel_format.endswith("be") else "<u2"
        target = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        target[:, : values.shape[1]] = np.clip(np.rint(values), 0, 2**bits - 1)
    frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = color
    return frame


def write_clip(path: Path, clip: Clip | None = None) -> Path:
    """Write ``clip`` to ``path``; the suffix decides the container."""
    clip = clip or Clip()
    with av.open(str(path), "w", container_options=clip.container_options) as out:
        out.metadata.update(clip.metadata)
        video = add_video(out, clip)
        sounds = [add_audio(out, clip, language, title) for language, title in clip.audio]
        text = add_subtitles(out, path) if clip.subtitles else None
        for name, kind, data in clip.attachments:
            out.add_attachment(name, kind, data)
        out.set_chapters([chapter(number, *facts) for number, facts in enumerate(clip.chapters, 1)])  # type: ignore[arg-type]
        for frame in frames_of(clip):
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for sound, (frequency, _) in zip(sounds, enumerate(sounds, 1), strict=True):
            write_tone(out, sound, clip, 220 * frequency)
        for start, end, words in clip.subtitles:
            out.mux(subtitle_packet(text, path, start, end, words))
    return path


def write_exr(path: Path, pixels: NDArray[np.float32], alpha: NDArray[np.float32] | None = None) -> None:
    """Write linear RGB ``(height, width, 3)`` as 32-bit floats."""
    with av.open(str(path), "w", format="image2") as out:
        stream = out.add_stream("exr", 24, {"format": "float"})
        height, width, _ = pixels.shape
        stream.width, stream.height, stream.pix_fmt = width, height, "gbrpf32le" if alpha is None else "gbrapf32le"
        frame = av.VideoFrame(width, height, stream.pix_fmt)
        channels = [pixels[..., 1], pixels[..., 2], pixels[..., 0], *([] if alpha is None else [alpha])]
        for plane, values in zip(frame.planes, channels, strict=True):
            np.frombuffer(memoryview(plane), "<f4").reshape(height, -1)[:, :width] = values
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def add_video(out: Any, clip: Clip) -> Any:
    """The video stream."""
    options = ({"g": "4", "bf": "2"} if clip.codec.startswith("libx26") else {}) | clip.options
    stream = out.add_stream(clip.codec, clip.rate, options)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pixel_format
    stream.time_base = stream.codec_context.time_base = clip.time_base
    context = stream.codec_context
    if clip.tagged:
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = clip.color
    context.sample_aspect_ratio = clip.aspect
    context.thread_count = 1
    if clip.interlaced:
        context.flags |= 1 << 18 | 1 << 29  # interlaced DCT and motion estimation
    if clip.rotation is not None:
        stream.set_display_rotation(clip.rotation[0], hflip=clip.rotation[1])
    return stream


def frames_of(clip: Clip) -> Iterable[av.VideoFrame]:
    """The frames to encode."""
    graph = field_graph(clip) if clip.interlaced else None
    for index, pts in enumerate(clip.pts):
        frame = video_frame((clip.picture or numbered)(index, clip.width, clip.height), clip.pixel_format, clip.color)
        if not clip.tagged:
            frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = 2, 0, 2, 2
        frame.pts, frame.time_base = pts, clip.time_base
        if graph is not None:
            graph.push(frame)
            frame = graph.vpull()
        yield frame


def field_graph(clip: Clip) -> Graph:
    """Marks frames as interlaced, top field first."""
    graph = Graph()
    kind = f"colorspace={clip.color[0]}:range={clip.color[1]}"
    source = graph.add(
        "buffer", f"video_size={clip.width}x{clip.height}:pix_fmt={clip.pixel_format}:time_base={clip.time_base}:{kind}"
    )
    graph.link_nodes(source, graph.add("setfield", "tff"), graph.add("buffersink"))
    graph.configure()
    return graph


def add_audio(out: Any, clip: Clip, language: str, title: str) -> Any:
    """A mono audio stream."""
    stream = out.add_stream(clip.audio_codec, 48000, layout="mono")
    stream.metadata.update({"language": language, "title": title})
    return stream


def write_tone(out: Any, stream: Any, clip: Clip, frequency: float) -> None:
    """A sine as long as the video."""
    seconds = float((clip.pts[-1] - clip.pts[0]) * clip.time_base + 1 / clip.rate)
    total = math.ceil(seconds * 48000)
    size = 1024
    for begin in range(0, total, size):
        times = np.arange(begin, min(begin + size, total)) / 48000
        wave = (0.3 * np.sin(2 * np.pi * frequency * times)).astype(np.float32)[None]
        name = stream.codec_context.format.name
        data = wave if name.startswith("flt") else (wave * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(data, name, "mono")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = begin + round((clip.audio_start + clip.pts[0] * clip.time_base) * 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def add_subtitles(out: Any, path: Path) -> Any:
    """A text subtitle stream in the container's own format."""
    stream = out.add_mux_stream("mov_text" if path.suffix in (".mp4", ".mov") else "subrip")
    stream.metadata["language"] = "ger"
    stream.time_base = Fraction(1, 1000)
    return stream


def subtitle_packet(stream: Any, path: Path, start: float, end: float, words: str) -> av.Packet:
    """One subtitle."""
    data = words.encode()
    packet = av.Packet(struct.pack(">H", len(data)) + data if path.suffix in (".mp4", ".mov") else data)
    packet.stream = stream
    packet.time_base = Fraction(1, 1000)
    packet.pts = packet.dts = round(start * 1000)
    packet.duration = round((end - start) * 1000)
    packet.is_keyframe = True
    return packet


def chapter(number: int, start: float, end: float, title: str) -> dict[str, Any]:
    """A chapter as PyAV wants it."""
    tick = Fraction(1, 1000)
    return {"id": number, "start": round(start * 1000), "end": round(end * 1000), "time_base": tick, "metadata": {"title": title}}


def no_frames(path: Path) -> None:
    """A clip of video without a frame."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()


def sound_only(path: Path) -> None:
    """A clip without video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", 48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def truncate(path: Path, share: float) -> Path:
    """Cut a file off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


VFR_PTS = (1000, 1700, 2400, 3100, 5000, 5600, 6300, 9000, 9900, 12000)
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"

TRACKS = Clip(
    pts=range(50),
    audio=(("eng", "Original"), ("fra", "Doublage")),
    subtitles=((0.2, 0.9, "Guten Tag"), (1.1, 1.8, "Auf Wiedersehen")),
    chapters=((0, 1, "Anfang"), (1, 2, "Ende")),
    metadata={"title": "Zwei Spuren"},
)

GOLDEN: dict[str, tuple[str, Clip]] = {
    "vfr": ("vfr.mp4", Clip(pts=VFR_PTS, time_base=Fraction(1, 90000), rate=Fraction(60))),
    "rotated": ("rotated.mp4", Clip(rotation=(-90, False))),
    "mirrored": ("mirrored.mp4", Clip(rotation=(0, True))),
    "ten bit": ("ten_bit.mp4", Clip(codec="libx265", pixel_format="yuv420p10le", options={"x265-params": "log-level=none"})),
    "hdr": (
        "hdr.mp4",
        Clip(
            codec="libx265",
            pixel_format="yuv420p10le",
            color=HDR10,
            options={"x265-params": f"log-level=none:hdr10=1:master-display={MASTERING}:max-cll=1000,400"},
        ),
    ),
    "odd size": ("odd.mkv", Clip(width=67, height=49, codec="ffv1", pixel_format="yuv444p")),
    "one frame": ("one.mp4", Clip(pts=range(1))),
    "two frames": ("two.mp4", Clip(pts=range(2))),
    "no audio": ("silent.mov", Clip()),
    "tracks": ("tracks.mkv", TRACKS),
    "unicode": ("Zürich – 東京 🎬.mp4", Clip()),
    "interlaced": ("interlaced.mkv", Clip(codec="mpeg2video", color=BT601, interlaced=True)),
    "truncated": ("truncated.mkv", Clip(pts=range(40), audio=(("eng", ""),))),
    "full range": ("full.mp4", Clip(color=(1, 2, 1, 1))),
}
"""File name and content per case of the issue's matrix."""


def golden(name: str, folder: Path) -> Path:
    """One of `GOLDEN`, written to ``folder``."""
    file, clip = GOLDEN[name]
    path = write_clip(folder / file, clip)
    return truncate(path, 0.6) if name == "truncated" else path
