"""Restored frames to a segment file: encoded video alone, with exact times, ready to be published."""

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.filter import Graph
from av.packet import Packet
from av.video.stream import VideoStream

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import (
    describe_os_error,
    discard,
    partial_path,
    put_in_place,
    refuse_replacing,
    refuse_unsafe,
    write_error,
)
from dcvsr_engine.video.arrays import FloatArray
from dcvsr_engine.video.color import MATRICES, PRIMARIES, RANGES, TRANSFERS, ColorInfo
from dcvsr_engine.video.encoders import (
    CONTAINER_FORMATS,
    VIDEO_CODECS,
    check_encoder,
    encoding_for,
    names_of_pictures,
    resolved_output,
    upload_to,
)
from dcvsr_engine.video.film import LIGHT_CODEC, light_of_display, multiplied, unmultiplied
from dcvsr_engine.video.filters import filter_graph
from dcvsr_engine.video.join import segment_origin
from dcvsr_engine.video.pixels import from_rgb
from dcvsr_engine.video.probe import VideoInfo

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to the terminal by itself; 1: errors only


LONGEST = 2**31
"""Ticks that a frame may last in MP4 and MOV."""
COARSE_CLOCK = 90000


def check_target(target: Path, info: VideoInfo, output: OutputSettings) -> OutputSettings:
    """Decide what the settings leave open, and make sure that ``target`` can be written, before any work.

    Args:
        target: output file, or folder for pictures.
        info: of the input.
        output: settings; codec and bit depth may be open.

    Returns:
        Settings with codec and bit depth given.

    Raises:
        OutputError: something is in the way of writing there.
    """
    resolved = resolved_output(target, info, output)
    check_encoder(resolved.codec)
    check_length(target, info, resolved)
    try:
        refuse_replacing([info.path, *info.pictures], [target])
        refuse_unsafe(target, overwrite=output.overwrite, pictures=names_of_pictures(resolved))
        folder = target.absolute().parent
        if not folder.is_dir():
            raise OutputError(f"The folder “{folder}” does not exist; create it or choose another.")
        # only writing tells whether a folder can be written
        trial = partial_path(target.absolute())
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise OutputError(f"“{target}” cannot be written ({describe_os_error(error)}); choose another place.") from None
    return resolved


def check_length(target: Path, info: VideoInfo, output: OutputSettings) -> None:
    """Raise `OutputError` when a frame lasts longer than MP4 or MOV, where one of them is needed, can store in any time base."""
    needed = {VIDEO_CODECS[output.codec].segment, CONTAINER_FORMATS.get(target.suffix.lower())} & {"mp4", "mov"}
    if needed and info.longest * info.time_base * mov_clock(info, info.longest) >= LONGEST:
        hours = float(info.longest * info.time_base / 3600)
        raise OutputError(
            f"A frame of “{info.path.name}” is shown for {hours:,.0f} hours, longer than MP4 and MOV files can store; "
            "name the output .mkv, with another codec than ProRes, or PNG pictures."
        )


class VideoWriter:
    """Encodes frames to a segment file, under a temporary name until `close`.

    Attributes:
        path: where the segment will be.
        encoding: codec, pixel format, colour; its ``notes`` are for users.
    """

    def __init__(self, path: Path, info: VideoInfo, width: int, height: int, output: OutputSettings) -> None:
        self.path = path
        self.encoding = encoding_for(info, width, height, output)
        self._info = info
        self._partial = partial_path(path)
        self._container: OutputContainer | None = None
        self._size = (width, height)
        self._packets = 0
        self._aspect: Graph | None = None

    def __enter__(self) -> Self:
        self._container = av.open(
            f"file:{self._partial.absolute()}",
            "w",
            format=self.encoding.codec.segment,
            container_options=self._container_options(),
        )
        try:
            self._stream = self._add_stream(self._container)
            self._stream.codec_context.open()
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            title = self.encoding.codec.title
            width, height = self._size
            raise OutputError(
                f"{title} cannot be encoded at {width}×{height} ({describe_os_error(error)}); choose another codec."
            ) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _container_options(self) -> dict[str, str]:
        if self.encoding.codec.segment == "nut":
            return {"avoid_negative_ts": "disabled"}
        scale = str(mov_clock(self._info, self._info.longest))
        return {"video_track_timescale": scale, "movie_timescale": scale}

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        encoding, info = self.encoding, self._info
        rate = min(info.frame_rate or Fraction(25), Fraction(encoding.codec.fastest))
        stream = container.add_stream(encoding.codec.encoder, rate, dict(encoding.options), upload_to(encoding.codec.encoder))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._size
        stream.pix_fmt = encoding.pixel_format
        stream.time_base = info.time_base
        stream.codec_context.time_base = info.time_base
        describe_video(stream, encoding.color, info.sample_aspect_ratio, rate)
        return stream

    def write(
        self,
        pixels: FloatArray,
        pts: int,
        duration: int = 0,
        alpha: FloatArray | None = None,
        excess: FloatArray | None = None,
    ) -> None:
        """Encode a frame.

        Args:
            pixels: RGB ``(height, width, 3)``, 0 … 1.
            pts: presentation time in ticks of the input's time base, later than that of the frame before.
            duration: in the same ticks; 0 when unknown.
            alpha: ``(height, width)``, 0 … 1, where the `encoding` has an alpha channel; opaque when not given.
            excess: light that the pixels cannot hold, shaped like them, where the `encoding` stores light.

        Raises:
            OutputError: the disk is full or not writable.
            ValueError: the frame has another size than the segment.
        """
        assert self._container is not None
        if pixels.shape[1::-1] != self._size:
            raise ValueError(f"expected a frame of {self._size}, got {pixels.shape[1::-1]}")
        if self.encoding.is_light or alpha is not None:
            pixels = self._as_stored(pixels, alpha, excess)
        frame = from_rgb(pixels, self.encoding.frame_format, self.encoding.color, self.encoding.siting, alpha)
        tag_frame(frame, self.encoding.color)
        if self.encoding.key == "ffv1" and self._info.sample_aspect_ratio != 1:
            frame = self._with_aspect(frame)
        frame.pts = pts - segment_origin(self._info)
        frame.time_base = self._info.time_base
        frame.duration = duration
        try:
            self._mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise write_error(self.path, error) from None

    def _as_stored(self, pixels: FloatArray, alpha: FloatArray | None, excess: FloatArray | None) -> FloatArray:
        """Pixels as EXR stores them, or as all others do; see `write`."""
        from_light = self._info.codec == LIGHT_CODEC
        if not self.encoding.is_light:
            return unmultiplied(pixels, alpha) if from_light and alpha is not None else pixels
        light = light_of_display(pixels, self.encoding.color, excess)
        return light if from_light or alpha is None else multiplied(light, alpha)

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        """Store packets. Joining the segments gives them new decoding times; x265 gets some wrong."""
        assert self._container is not None
        for packet in packets:
            if self.encoding.codec.segment == "nut":
                packet.dts = self._packets
            self._packets += 1
            self._container.mux_one(packet)

    def _with_aspect(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with the sample aspect ratio: FFV1 takes it from its frames, not from the stream."""
        if self._aspect is None:
            aspect = self._info.sample_aspect_ratio
            self._aspect = filter_graph(frame, "setsar", f"{aspect.numerator}/{aspect.denominator}")
        self._aspect.push(frame)
        return self._aspect.vpull()

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._container is None:
            return
        try:
            self._mux(self._stream.encode(None))
            self._container.close()
            self._container = None
            put_in_place(self._partial, self.path)
        except (av.FFmpegError, OSError) as error:
            self.abort()
            raise write_error(self.path, error) from None

    def abort(self) -> None:
        """Remove the unfinished file."""
        if self._container is not None:
            with contextlib.suppress(av.FFmpegError):
                self._container.close()
            self._container = None
        discard(self._partial)


def mov_clock(info: VideoInfo, longest: int) -> int:
    """Ticks per second of an MP4 or MOV file: the input's, unless a frame of ``longest`` ticks does not fit into its 32 bits."""
    return info.time_base.denominator if longest * info.time_base.numerator < LONGEST else COARSE_CLOCK


def describe_video(stream: VideoStream, color: ColorInfo, aspect: Fraction, rate: Fraction | None) -> None:
    """Colour tags, sample aspect ratio and frame rate of an output stream."""
    context = stream.codec_context
    context.colorspace = MATRICES[color.matrix]
    context.color_range = RANGES[color.range]
    context.color_primaries = PRIMARIES[color.primaries]
    context.color_trc = TRANSFERS[color.transfer]
    context.sample_aspect_ratio = aspect
    if rate:
        context.framerate = rate


def tag_frame(frame: av.VideoFrame, color: ColorInfo) -> None:
    """Colour tags of a frame."""
    frame.colorspace = MATRICES[color.matrix]
    frame.color_range = RANGES[color.range]
    frame.color_primaries = PRIMARIES[color.primaries]
    frame.color_trc = TRANSFERS[color.transfer]
