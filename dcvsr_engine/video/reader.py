"""Frames of a video as float RGB with exact times, in display order, from any position."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.video import decode
from dcvsr_engine.video.animation import ANIMATED_WEBP, BY_PILLOW, TILED_AVIF, animation_durations, animation_frames
from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.clock import ClockReader
from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.colorimetry import converted, means_other_colours
from dcvsr_engine.video.deinterlace import SMALLEST_FRAME, deinterlaced
from dcvsr_engine.video.film import LIGHT_CODEC, display_parts
from dcvsr_engine.video.index import FrameIndex, build_index
from dcvsr_engine.video.orientation import Orientation, orientation_of
from dcvsr_engine.video.passage import Passage, PassageLog
from dcvsr_engine.video.pixels import Siting, alpha_of, to_rgb, unclipped_rgb
from dcvsr_engine.video.probe import EXTRA_LOSSES, VideoInfo, color_of, counted, extras_of, first_frame, probe, tags_of
from dcvsr_engine.video.source import is_tiled, opened, video_stream

DECODED_AHEAD = 32
"""`VideoReader.frame` decodes up to a frame at most this far ahead instead of seeking."""

CHECKED = 16
"""Frames at the beginning whose times must be those of the packets, in order: H.264 in AVI, for one, fails this."""


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        index: in display order.
        pts, duration: in ticks of `time_base`.
        pixels: upright RGB ``(height, width, 3)``, 0 … 1.
        alpha: upright ``(height, width)``, 0 … 1, where the video has an alpha channel.
        excess: light above 1 and below 0, shaped like ``pixels``, where a picture has some, see `film.display_parts`.
    """

    index: int
    pts: int
    time_base: Fraction
    pixels: FloatArray
    duration: int
    alpha: FloatArray | None = None
    excess: FloatArray | None = None


@dataclass(frozen=True)
class FrameTime:
    """Index and time of a decoded frame before its conversion, and its codec where that is another than the video's."""

    index: int
    pts: int
    duration: int
    codec: str = ""


TimedPicture = tuple[FrameTime, av.VideoFrame]


class VideoReader:
    """Frames of a video or picture sequence.

    Args:
        source: the video.
        deinterlace: whether to deinterlace it, where it is interlaced.
        index: of its frames, where that is known.

    Attributes:
        info: facts about it.
        deinterlaces: whether its frames are deinterlaced.
        warnings: sentences about damage met so far.
    """

    def __init__(self, source: VideoInfo | Path, deinterlace: bool = True, index: FrameIndex | None = None) -> None:
        self.info = source if isinstance(source, VideoInfo) else probe(source)
        self._known = index
        self.warnings: list[str] = []
        self.deinterlaces = deinterlace and self.info.interlaced
        self._cursor: Iterator[Frame] | None = None
        self._next = 0
        self._log = PassageLog()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._cursor is not None:
            self._cursor.close()  # type: ignore[attr-defined]
            self._cursor = None

    @cached_property
    def index(self) -> FrameIndex:
        """Times of all frames; read from the whole file once."""
        info = self.info
        if self._known is not None:
            return self._known
        if info.is_sequence:
            return FrameIndex.plain((1,) * info.frames)
        if info.codec in BY_PILLOW:
            return FrameIndex.plain(animation_durations(info.path, info.codec == TILED_AVIF))
        index = build_index(info.path, info.start_pts, info.interlaced, info.frame_rate)
        # decoders of some files give other times than the packets: seeking by them would find wrong frames
        begin = [picture.pts for picture in islice(self.packets_decoded(None, index), CHECKED)]
        # a palette comes with the first packet, and FFmpeg forgets it when it seeks: frames would be black
        if begin != [pts for pts in index.pts[: 2 * CHECKED] if pts in begin] or VideoFormat(info.pixel_format).has_palette:
            index = replace(index, regular=False)
        if index.broken:
            self.warn(f"“{info.path.name}” breaks off ({index.broken}); it is restored up to there.")
        return index

    @property
    def frames_total(self) -> int:
        """Number of frames, counted."""
        return self.index.frames

    def counted_info(self) -> VideoInfo:
        """`info`, completed by reading the whole file; raises `InputError` when it has no frames."""
        info, index = self.info, self.index
        if index.frames == 0:
            raise InputError(f"“{info.path.name}” has no frames that can be decoded.")
        if info.late_tracks or index.late_tracks:
            info = replace(probe(info.path, whole=True), late_tracks=True)
        return counted(info, index)

    def __iter__(self) -> Iterator[Frame]:
        return self.frames(0)

    def warn(self, sentence: str) -> None:
        """Record a warning once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def frame(self, index: int) -> Frame:
        """Decode one frame; cheap when called with ascending indices.

        Raises:
            InputError: the frame cannot be decoded.
        """
        if self._cursor is None or not 0 <= index - self._next <= DECODED_AHEAD:
            self.close()
            self._cursor, self._next = self.frames(index), index
        for frame in self._cursor:
            self._next = frame.index + 1
            if frame.index == index:
                return frame
            if frame.index > index:
                break
        self.close()
        raise InputError(f"Frame {index} of “{self.info.path.name}” cannot be decoded.")

    def frames(self, first: int = 0, last: int | None = None) -> Iterator[Frame]:
        """Frames ``first … last`` (inclusive; ``None``: to the end). Undecodable frames are left out, with a warning.

        Raises:
            InputError: a frame has another size than the first.
        """
        # bwdif looks at the frame before
        before = 1 if self.deinterlaces else 0
        timed_pictures = self.timed_pictures(max(0, first - before))
        if self.deinterlaces and self.info.width >= SMALLEST_FRAME[0] and self.info.height >= SMALLEST_FRAME[1]:
            timed_pictures = deinterlaced(timed_pictures)
        expected = first
        for stamp, picture in timed_pictures:
            if last is not None and stamp.index > last:
                return
            if stamp.index < first:
                continue
            if stamp.index > expected:
                self.warn(f"Frames {expected} to {stamp.index - 1} of “{self.info.path.name}” are damaged and left out.")
            expected = stamp.index + 1
            alpha = self.orientation_of(picture).apply(alpha_of(picture)) if self.info.alpha else None
            pixels, excess = self.pixels_of(stamp, picture)
            yield Frame(stamp.index, stamp.pts, self.info.time_base, pixels, stamp.duration, alpha, excess)

    def pixels_of(self, stamp: FrameTime, picture: av.VideoFrame) -> tuple[FloatArray, FloatArray | None]:
        """Upright RGB ``(height, width, 3)`` of a decoded frame, by what that frame itself says of its colours and shape.

        Returns:
            The pixels, and light that they cannot hold; see `Frame`.
        """
        for extra in {*extras_of(stamp.codec or self.info.codec, picture)}.difference(self.info.extras):
            self.warn(EXTRA_LOSSES[extra])
        color = color_of(stamp.codec or self.info.codec, picture)
        pixels, excess = rgb_of(stamp.codec or self.info.codec, picture, color)
        first = self.info.color
        changed = [name for name in ("matrix", "range") if getattr(color, name) != getattr(first, name)]
        if means_other_colours(color, first):
            pixels = converted(pixels, color, first)
            changed += [name for name in ("primaries", "transfer") if getattr(color, name) != getattr(first, name)]
        elif self.info.is_sequence:
            changed = []  # pictures of several kinds say the same colours in several ways
        if changed:
            self.warn(
                f"The colours of “{self.info.path.name}” change on the way ({', '.join(changed)}); all frames are converted to "
                "those of the first."
            )
        orientation = self.orientation_of(picture)
        return orientation.apply(pixels), None if excess is None else orientation.apply(excess)

    def orientation_of(self, picture: av.VideoFrame) -> Orientation:
        """What turns a picture upright: every photograph of a sequence says so itself."""
        return orientation_of(picture) if self.info.is_sequence else self.info.orientation

    def check_size(self, picture: av.VideoFrame, index: int) -> None:
        """Raise `InputError` when a picture is of another size than the first."""
        width, height = self.orientation_of(picture).size(picture.width, picture.height)
        if (width, height) != (self.info.width, self.info.height):
            raise InputError(
                f"Frame {index} of “{self.info.path.name}” is {width}×{height} pixels, the first is "
                f"{self.info.width}×{self.info.height}; restore parts of different size one by one."
            )

    def timed_pictures(self, first: int) -> Iterator[TimedPicture]:
        """Frames from ``first``, or a little earlier, on, all of one size."""
        kind = self.pictures if self.info.is_sequence else self.animated if self.info.codec in BY_PILLOW else self.decoded
        for stamp, picture in kind(first):
            self.check_size(picture, stamp.index)
            yield stamp, picture

    def animated(self, first: int) -> Iterator[TimedPicture]:
        """Frames of an animated WebP from ``first`` on."""
        self._log = PassageLog()
        self._log.add(self.info.path.read_bytes())
        for place, picture in enumerate(animation_frames(self.info.path, first), first):
            yield FrameTime(place, self.index.pts[place], self.index.durations[place]), picture

    def pictures(self, first: int) -> Iterator[TimedPicture]:
        """Pictures of a sequence from ``first`` on."""
        self._log = PassageLog(first)
        for index, path in enumerate(self.info.pictures[first:], first):
            self._log.add(path.read_bytes())
            with opened(path) as container:
                stream = video_stream(container, path)
                if animation_durations(path, is_tiled(container)):
                    yield FrameTime(index, index, 1, ANIMATED_WEBP), next(animation_frames(path, 0))
                    continue
                yield FrameTime(index, index, 1, stream.codec.canonical_name), first_frame(container, stream, path)

    def decoded(self, first: int) -> Iterator[TimedPicture]:
        """Decoded frames of a file from ``first`` on, or from the start where frames cannot be found by their time."""
        if not self.index.regular:
            yield from self.counted()
            return
        if found := self.begun(first):
            _, begin, timed_pictures = found
            yield begin
            yield from timed_pictures

    def begun(self, first: int) -> tuple[int | None, TimedPicture, Iterator[TimedPicture]] | None:
        """Decode up to frame ``first``, in a file whose frames are found by their time.

        Returns:
            The number of the key frame that it was decoded from (``None``: the beginning of the file), the frame, or the next one
            that there is, and those that follow. ``None`` where there is none.
        """
        for key in self.entry_points(first) if first < self.index.frames else ():
            timed_pictures = self.placed(key)
            try:
                begin = next((item for item in timed_pictures if item[0].index >= first), None)
            except UnseekableError:
                continue
            if begin is not None and (begin[0].index == first or key is None):
                return key, begin, timed_pictures
        return None

    def entry_points(self, first: int) -> Iterator[int | None]:
        """Numbers of key frames to decode frame ``first`` from: the nearest, then earlier ones, finally the start of the file."""
        place = self.index.key_before(self.index.pts[first])
        step = 1
        while place > 0:
            yield place
            # growing steps: a file whose key frames do not work is tried a few times, not at every one of them
            place, step = place - step, step * 2
        yield None

    def placed(self, key: int | None) -> Iterator[TimedPicture]:
        """Decoded frames from a key frame on, found in the index by their time."""
        index = self.index
        places = {pts: place for place, pts in enumerate(index.pts)}
        for picture in self.packets_decoded(key, index):
            place = None if picture.pts is None else places.get(picture.pts)
            if place is not None:
                yield FrameTime(place, index.pts[place], index.durations[place] or self.info.usual_duration), picture

    def counted(self) -> Iterator[TimedPicture]:
        """All frames of a file, numbered as they come; the i-th gets the i-th time of the index, where that has times."""
        times = self.index.pts
        usual = self.info.usual_duration
        previous = self.info.start_pts - usual
        for number, picture in enumerate(self.packets_decoded(None, self.index)):
            pts = times[number] if number < len(times) else previous + usual
            # times ascend, whatever the file says: writers refuse others
            pts = max(pts, previous + 1)
            previous = pts
            yield FrameTime(number, pts, usual), picture

    def packets_decoded(self, key: int | None, index: FrameIndex) -> Iterator[av.VideoFrame]:
        """Frames as the decoder gives them, from the start or from a key frame, by number, on; damage becomes a warning."""
        name = self.info.path.name
        with self.entered(key, index) as (container, stream, clock):
            stream.thread_type = "AUTO"
            self._log = PassageLog(key)
            aspect, tags = None, None
            for picture in decode.frames(
                container,
                stream,
                lambda words: self.warn(f"“{name}” breaks off ({words}); it is restored up to there."),
                lambda words: self.warn(f"Some frames of “{name}” are damaged ({words})."),
                clock,
                self._log,
            ):
                shape = stream.codec_context.sample_aspect_ratio or aspect
                if aspect is not None and shape != aspect:
                    self.warn(f"The pixel shape of “{name}” changes on the way; the output says that of the first frame.")
                aspect = shape
                # colours change at key frames only; to frames without tags that come out late, FFmpeg gives the next ones'
                if tags is None or picture.key_frame:
                    tags = tags_of(picture)
                picture.colorspace, picture.color_range, picture.color_primaries, picture.color_trc = tags
                yield picture

    @contextmanager
    def entered(self, key: int | None, index: FrameIndex) -> Iterator[tuple[InputContainer, VideoStream, ClockReader]]:
        """The open file and its video track at a key frame, by number, or at its beginning, and what moves packets' times.

        Raises:
            UnseekableError: the file can only be read from its start.
        """
        with opened(self.info.path) as container:
            stream = video_stream(container, self.info.path)
            yield container, stream, ClockReader(index.clock, sought(container, stream, key, index))

    def taken(self) -> Passage:
        """What was read of the input for the frames since the last call, or since decoding began anew."""
        return self._log.take()

    def parts(self, start: int | None) -> Iterator[tuple[bytes, str]]:
        """What is read from ``start`` on, see `Passage`, without decoding it."""
        if self.info.is_sequence:
            yield from ((path.read_bytes(), "") for path in self.info.pictures[start or 0 :])
        elif self.info.codec in BY_PILLOW:
            yield self.info.path.read_bytes(), ""
        else:
            if start is not None and start >= len(self.index.keys):
                return  # there is no such key frame any more
            with self.entered(start, self.index) as (container, stream, clock):
                for packet in decode.packets(container, decode.logged_streams(container, stream), lambda words: None, clock):
                    yield decode.part_of(packet)


class UnseekableError(Exception):
    """A file can only be read from its start."""


def sought(container: InputContainer, stream: VideoStream, key: int | None, index: FrameIndex) -> int:
    """Go to a key frame of an open file.

    Args:
        container, stream: the open file and its video track.
        key: number of the key frame among `FrameIndex.keys`; ``None`` for the file's beginning.
        index: of the file.

    Returns:
        The byte that reading begins at; 0 where times are sought and not bytes.

    Raises:
        UnseekableError: the file can only be read from its start.
    """
    if key is None:
        return 0
    try:
        if not index.positions:
            container.seek(index.keys[key], stream=stream)
            return 0
        container.seek(index.positions[key], stream=stream, unsupported_byte_offset=True)
    except av.FFmpegError as error:  # RealMedia without an index, for one
        raise UnseekableError from error
    return index.positions[key]


def rgb_of(codec: str, picture: av.VideoFrame, color: ColorInfo) -> tuple[FloatArray, FloatArray | None]:
    """RGB ``(height, width, 3)`` of a frame that ``codec`` has decoded, and light that it cannot hold; see `Frame`."""
    siting = chroma_siting(codec, color)
    if codec == LIGHT_CODEC:
        return display_parts(unclipped_rgb(picture, color, siting))
    return to_rgb(picture, color, siting), None


def chroma_siting(codec: str, color: ColorInfo) -> Siting:
    """Where 4:2:0 chroma lies: JPEG, MPEG-1 and WebP in the middle, BT.2020 at the top left, all else on the left."""
    if codec in ("mjpeg", "mpeg1video", "webp", "gif"):
        return 0.5, 0.5
    return (0.0, 0.0) if color.matrix.startswith("bt2020") else (0.0, 0.5)
