"""Facts about a video, quickly: size, times, colour, orientation, tracks. Torch-free, for the window too."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Stream
from av.video.stream import VideoStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.video import decode
from dcvsr_engine.video.animation import ANIMATED_WEBP, BY_PILLOW, TILED_AVIF, animation_durations, animation_frames
from dcvsr_engine.video.clock import Clock
from dcvsr_engine.video.color import TRANSFERS, UNSPECIFIED, ColorInfo, resolve_color
from dcvsr_engine.video.film import FILM_CODECS
from dcvsr_engine.video.hdr import dynamic_of, light_of, mastering_of, side_data
from dcvsr_engine.video.index import FrameIndex, build_index
from dcvsr_engine.video.orientation import Orientation, orientation_of
from dcvsr_engine.video.pixels import bit_depth, has_alpha, is_gray, is_rgb, is_transparent
from dcvsr_engine.video.source import is_tiled, opened, pictures_of, video_stream
from dcvsr_engine.video.suffixes import missing_numbers

COUNTED_BYTES = 32 * 2**20
"""Files up to this size have their frames counted at once; larger ones are estimated from their header."""

HEADER_BYTES = 4096
"""In these a PNG says what its pixels are."""

END = "end of file"
MOST_PIXELS = 16384 * 16384
PICTURE_RATE = Fraction(25)
"""Frames per second of picture sequences, unless they carry their own, as EXR and DPX may."""

TOLD_ALPHA = {"png", "tiff", *FILM_CODECS}
"""Pictures that have an alpha channel only where somebody gave them one."""
STILL_CODECS = {"mjpeg", "webp", "bmp", "gif", "jpegls", "jpeg2000", "ppm", "pgm", "targa"} | TOLD_ALPHA
FIELD_ORDERS = {1: "progressive", 2: "top field first", 3: "bottom field first", 4: "top field first", 5: "bottom field first"}


@dataclass(frozen=True)
class Track:
    """An audio, subtitle or other track: ``index`` in the file, and facts for users."""

    index: int
    kind: str
    codec: str
    language: str | None = None
    title: str | None = None
    channels: int = 0
    sample_rate: int = 0


@dataclass(frozen=True)
class Chapter:
    """A chapter, in seconds."""

    start: float
    end: float
    title: str


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video.

    Attributes:
        path: of the file, folder or pattern, as given.
        width, height: of the upright picture, in pixels.
        frames: number of frames; ``frames_exact`` tells whether they were counted.
        frame_rate: average frames per second.
        time_base: seconds per tick of `start_pts` and every frame's pts.
        start_pts: of the first frame.
        duration: seconds.
        variable_frame_rate: ``None`` when not counted.
        longest: ticks for which a frame is shown at most, 0 when not counted.
        clock: parts of the file whose clock begins again; empty when not counted.
        late_tracks: whether tracks begin so late in the file that opening it does not find them.
        extras: side data that restored frames do not carry, see `EXTRA_LOSSES`.
        missing_pictures: numbers that a picture sequence skips.
        alpha: whether frames have an alpha channel.
        codec, pixel_format, bit_depth: of the video track.
        color: matrix, range, primaries, transfer, HDR side data.
        orientation: turns stored pixels upright.
        sample_aspect_ratio: of the upright picture.
        interlaced, field_order: as tagged; the order is progressive, top field first, bottom field first or unknown.
        audio, subtitles, others: further tracks.
        is_sequence, pictures: a folder or pattern of pictures, and its files in order.
    """

    path: Path
    width: int
    height: int
    frames: int
    frames_exact: bool
    frame_rate: Fraction | None
    time_base: Fraction
    start_pts: int
    duration: float
    variable_frame_rate: bool | None
    codec: str
    pixel_format: str
    bit_depth: int
    color: ColorInfo
    orientation: Orientation = field(default_factory=Orientation)
    sample_aspect_ratio: Fraction = Fraction(1)
    interlaced: bool = False
    field_order: str = "progressive"
    audio: tuple[Track, ...] = ()
    subtitles: tuple[Track, ...] = ()
    others: tuple[Track, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    is_sequence: bool = False
    pictures: tuple[Path, ...] = ()
    longest: int = 0
    clock: Clock = ()
    late_tracks: bool = False
    extras: tuple[str, ...] = ()
    missing_pictures: tuple[int, ...] = ()
    alpha: bool = False

    @property
    def usual_duration(self) -> int:
        """Ticks per frame at the average frame rate, at least 1."""
        return max(1, round(1 / (self.frame_rate * self.time_base))) if self.frame_rate else 1

    @property
    def rotation(self) -> int:
        """Clockwise degrees the stored picture is turned by."""
        return self.orientation.rotation

    @property
    def mirror(self) -> bool:
        """Whether the stored picture is mirrored."""
        return self.orientation.mirror


def probe(path: Path, whole: bool = False) -> VideoInfo:
    """Describe a video file, or a folder or pattern of pictures.

    Args:
        path: of it.
        whole: whether to look for tracks in all of the file, see `source.opened`.

    Raises:
        InputError: there is nothing at ``path`` that can be decoded.
    """
    pictures = pictures_of(path)
    if pictures is not None:
        return probe_pictures(path, pictures)
    with opened(path, whole) as container:
        stream = video_stream(container, path)
        tiled = is_tiled(container)
        animated = animation_durations(path, tiled)
        if animated:
            return describe_animation(path, animated, TILED_AVIF if tiled else ANIMATED_WEBP)
        return describe(path, container, stream, first_frame(container, stream, path))


def probe_pictures(path: Path, pictures: list[Path]) -> VideoInfo:
    """Facts about a picture sequence, from its first picture."""
    first = probe(pictures[0])
    # the first may be opaque, and without the channel, where others are not
    alpha = first.alpha or any(map(png_has_alpha, pictures))
    sequence = replace(
        first,
        alpha=alpha,
        extras=tuple(dict.fromkeys((*first.extras, "alpha"))) if alpha else first.extras,
        path=path,
        frames=len(pictures),
        frames_exact=True,
        start_pts=0,
        variable_frame_rate=False,
        is_sequence=True,
        missing_pictures=tuple(missing_numbers(pictures)),
        pictures=tuple(pictures),
    )
    rate = first.frame_rate if first.codec in FILM_CODECS else None
    return at_rate(sequence, rate or PICTURE_RATE)


def at_rate(info: VideoInfo, rate: Fraction | None) -> VideoInfo:
    """Facts about a picture sequence that is shown at another ``rate``; those about a video, which has its own, as they are."""
    if not info.is_sequence or rate is None:
        return info
    return replace(info, frame_rate=rate, time_base=1 / rate, duration=float(info.frames / rate))


def describe_animation(path: Path, durations: tuple[int, ...], codec: str) -> VideoInfo:
    """Facts about a file that is read by Pillow, whose frames are shown for ``durations`` milliseconds."""
    frame = next(animation_frames(path, 0))
    return VideoInfo(
        path=path,
        width=frame.width,
        height=frame.height,
        frames=len(durations),
        frames_exact=True,
        # 1001: the denominator of NTSC's rates
        frame_rate=Fraction(len(durations) * 1000, sum(durations)).limit_denominator(1001),
        time_base=Fraction(1, 1000),
        start_pts=0,
        duration=sum(durations) / 1000,
        variable_frame_rate=len(set(durations)) > 1,
        codec=codec,
        pixel_format=frame.format.name,
        bit_depth=8,
        color=resolve_color((2, 0, 2, 2), frame.width, frame.height, rgb=True, picture=True, full=True),
        extras=extras_of(codec, frame),
        alpha=has_alpha(frame.format),
    )


def first_frame(container: InputContainer, stream: VideoStream, path: Path) -> av.VideoFrame:
    """The first frame that decodes; raises `InputError` when there is none."""
    context = stream.codec_context
    if context is None:
        raise InputError(f"“{path}” holds a kind of video that cannot be decoded here.")
    if context.width * context.height > MOST_PIXELS:
        raise InputError(f"“{path}” claims {context.width}×{context.height} pixels; the most that can be read is 16384×16384.")
    problems: list[str] = []
    frame = next(decode.frames(container, stream, problems.append, problems.append), None)
    if frame is not None:
        return frame
    # only “end of file” means that there was nothing to decode
    if set(problems) <= {END}:
        raise InputError(f"“{path}” holds no frames.")
    raise InputError(f"No picture of “{path}” can be decoded ({problems[0]}); the file is damaged.")


def describe(path: Path, container: InputContainer, stream: VideoStream, frame: av.VideoFrame) -> VideoInfo:
    """Gather facts from the container's header, its first frame and, for small files, its packets.

    Args:
        path: the file.
        container, stream: the open file and its main video track.
        frame: the first one.
    """
    orientation = orientation_of(frame)
    width, height = orientation.size(frame.width, frame.height)
    interlaced, order = scan_of(stream, frame)
    info = VideoInfo(
        path=path,
        width=width,
        height=height,
        frames=0,
        frames_exact=False,
        frame_rate=picture_rate(stream) or stream.average_rate or stream.guessed_rate or None,
        time_base=stream.time_base or Fraction(1, 1000),
        start_pts=frame.pts if frame.pts is not None else stream.start_time or 0,
        duration=0.0,
        variable_frame_rate=None,
        codec=stream.codec.canonical_name,
        pixel_format=frame.format.name,
        bit_depth=bit_depth(frame.format),
        color=color_of(stream.codec.canonical_name, frame),
        orientation=orientation,
        sample_aspect_ratio=orientation.ratio(stream.sample_aspect_ratio or Fraction(1)),
        interlaced=interlaced,
        field_order=order,
        extras=extras_of(stream.codec.canonical_name, frame) + hidden_alpha(stream, frame),
        alpha=frame_alpha(stream.codec.canonical_name, frame),
        chapters=chapters_of(container),
    )
    return with_extent(with_tracks(info, container), container, stream)


def picture_rate(stream: VideoStream) -> Fraction | None:
    """The frame rate that the header of a picture of film says; its container knows none."""
    context = stream.codec_context
    return context.framerate if context.name in FILM_CODECS and context.framerate else None


def scan_of(stream: VideoStream, frame: av.VideoFrame) -> tuple[bool, str]:
    """Whether the video is interlaced, and its field order."""
    order = FIELD_ORDERS.get(stream.codec_context.field_order, "progressive")
    interlaced = frame.interlaced_frame or order != "progressive"
    return interlaced, "unknown" if interlaced and order == "progressive" else order


def with_tracks(info: VideoInfo, container: InputContainer) -> VideoInfo:
    """Facts with the further tracks."""
    return replace(
        info,
        audio=tuple(track(stream) for stream in container.streams.audio),
        subtitles=tuple(track(stream) for stream in container.streams.subtitles),
        others=tuple(track(stream) for stream in container.streams if stream.type in ("data", "unknown")),
        # a track without a sample rate is announced, but its first packet lies beyond what was searched
        late_tracks=any(not stream.codec_context.sample_rate for stream in container.streams.audio if stream.codec_context),
    )


def with_extent(info: VideoInfo, container: InputContainer, stream: VideoStream) -> VideoInfo:
    """Facts with the number of frames and the duration: counted in small files, else from the header."""
    if info.path.stat().st_size <= COUNTED_BYTES:
        return counted(info, build_index(info.path, info.start_pts, info.interlaced, info.frame_rate))
    seconds = float(stream.duration * info.time_base) if stream.duration else (container.duration or 0) / 1e6
    return replace(info, frames=stream.frames or max(1, round(seconds * float(info.frame_rate or 25))), duration=seconds)


def counted(info: VideoInfo, index: FrameIndex) -> VideoInfo:
    """Facts with what an index of all frames adds."""
    rate = info.frame_rate
    if index.paired_fields and index.frames > 1:  # what the file says counts fields
        span = (index.pts[-1] - index.pts[0]) * info.time_base
        rate = ((index.frames - 1) / span).limit_denominator(1001)
    return replace(
        info,
        frame_rate=rate,
        start_pts=min(info.start_pts, *index.pts[:1]) if index.pts else info.start_pts,
        frames=index.frames,
        frames_exact=True,
        duration=duration_of(index, info),
        variable_frame_rate=varies(index),
        longest=max(index.durations, default=0),
        clock=index.clock,
        late_tracks=info.late_tracks or index.late_tracks,
    )


def duration_of(index: FrameIndex, info: VideoInfo) -> float:
    """Seconds from the first frame to the end of the last."""
    rate = info.frame_rate
    if not index.pts:
        return float(index.frames / rate) if rate else 0.0
    last = index.durations[-1] * info.time_base or (1 / rate if rate else 0)
    return float((index.pts[-1] - index.pts[0]) * info.time_base + last)


def varies(index: FrameIndex) -> bool:
    """Whether frames are shown for different lengths of time, beyond the rounding of a coarse time base."""
    gaps = index.durations[:-1]
    # a tick of difference is rounding: 24 frames per second in milliseconds take 41 or 42
    return bool(gaps) and max(gaps) - min(gaps) > 1


def extras_of(codec: str, frame: av.VideoFrame) -> tuple[str, ...]:
    """What a frame that ``codec`` has decoded holds that restored frames do not, see `EXTRA_LOSSES`.

    An alpha channel in video is there on purpose; decoders of pictures give one to opaque pictures, too.
    """
    found = [name for kind, name in EXTRAS.items() if side_data(frame, kind) is not None]
    told = codec in STILL_CODECS | {*BY_PILLOW} or frame.format.has_palette
    alpha = is_transparent(frame) if told else has_alpha(frame.format)
    return tuple([*found, "alpha"] if alpha else found)


def frame_alpha(codec: str, frame: av.VideoFrame) -> bool:
    """Whether a frame that ``codec`` has decoded has an alpha channel; some decoders give one to all pictures."""
    told = codec in STILL_CODECS - TOLD_ALPHA or frame.format.has_palette
    return is_transparent(frame) if told else has_alpha(frame.format)


def hidden_alpha(stream: VideoStream, frame: av.VideoFrame) -> tuple[str, ...]:
    """Name the alpha channel that WebM has beside a picture, where there is no decoder for it; see `EXTRA_LOSSES`."""
    return ("alpha",) if stream.metadata.get("alpha_mode") == "1" and not has_alpha(frame.format) else ()


def png_has_alpha(path: Path) -> bool:
    """Whether a file is a PNG with an alpha channel, or a transparent colour, by its header."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and (head[25:26] in (b"\4", b"\6") or b"tRNS" in head.partition(b"IDAT")[0])


EXTRA_LOSSES = {
    "alpha": "Transparency is left out; restored frames are opaque.",
    "captions": "The closed captions inside the pictures are left out.",
    "projection": "The output does not say that this is a 360° video; players show it flat.",
    "stereo": "The output does not say that its pictures hold two views (3D).",
}
"""Key of `VideoInfo.extras` → the sentence that reports its loss."""

EXTRAS = {SideDataType.A53_CC: "captions", SideDataType.SPHERICAL: "projection", SideDataType.STEREO3D: "stereo"}
"""Kinds of side data whose loss is reported to users."""


def tags_of(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Codes of a frame's matrix, range, primaries and transfer."""
    return int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc)


def color_of(codec: str, frame: av.VideoFrame) -> ColorInfo:
    """The colour of a frame that ``codec`` has decoded."""
    layout = frame.format
    picture = codec in STILL_CODECS
    full = layout.name.startswith("yuvj") or is_gray(layout)  # FFmpeg takes grey as full range where nothing is said
    codes = tags_of(frame)
    if codec in FILM_CODECS and codes[3] == TRANSFERS["linear"]:
        codes = *codes[:3], UNSPECIFIED  # EXR is read as sRGB, and of DPX FFmpeg says so whatever it writes
    color = resolve_color(codes, frame.width, frame.height, rgb=is_rgb(layout), picture=picture, full=full)
    return replace(color, mastering=mastering_of(frame), light=light_of(frame), dynamic=dynamic_of(frame))


def track(stream: Stream) -> Track:
    """Facts about a further track."""
    context = stream.codec_context
    return Track(
        index=stream.index,
        kind=stream.type,
        codec=decode.codec_name(stream),
        language=stream.metadata.get("language"),
        title=stream.metadata.get("title") or stream.metadata.get("name"),
        channels=getattr(context, "channels", 0) or 0,
        sample_rate=getattr(context, "sample_rate", 0) or 0,
    )


def chapters_of(container: InputContainer) -> tuple[Chapter, ...]:
    """The chapters of a file."""
    found = []
    for chapter in container.chapters():
        tick = chapter["time_base"] or Fraction(1)
        found.append(Chapter(float(chapter["start"] * tick), float(chapter["end"] * tick), chapter["metadata"].get("title", "")))
    return tuple(found)
