"""Tracks that the container does not take, decoded and encoded anew.

Audio becomes FLAC or ALAC where nothing was lost before, else AAC; text subtitles become the container's own kind of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from dcvsr_engine.video.clock import TimeRange

LOSSLESS = ("pcm_", "adpcm_", "flac", "alac", "tta", "wavpack", "ape", "mlp", "truehd", "tak", "shorten", "s302m", "wmalossless")
"""Beginnings of codecs after which a lossy one would be a pity; ADPCM is small, but no smaller than FLAC makes it."""

AAC_RATES = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
FLAC_RATE = 655350
AAC_BITS = 96_000
"""Bits per second and channel: transparent, so that the second encoding is not heard."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Channels → layout, where a file does not say."""


def can_convert(stream: Stream) -> bool:
    """Whether a track is audio of known form that can be decoded."""
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        return False
    return stream.codec_context.sample_rate > 0 and 0 < stream.codec_context.channels <= max(LAYOUTS)


def conversion_codec(stream: Stream, kind: str) -> str:
    """Encoder for a track in a container of ``kind``."""
    assert stream.codec_context is not None
    if isinstance(stream, SubtitleStream):
        return "subrip" if kind == "matroska" else "mov_text"
    if not stream.codec_context.codec.canonical_name.startswith(LOSSLESS):
        return "aac"
    return "alac" if kind == "mov" else "flac"


TEXT_SUBTITLES = ("subrip", "ass", "ssa", "mov_text", "webvtt", "text", "microdvd", "mpl2", "sami", "subviewer", "realtext")
"""Codecs of subtitles that are text, not pictures."""


def is_text(stream: Stream) -> bool:
    """Whether a track is subtitles of text that can be decoded."""
    if not isinstance(stream, SubtitleStream) or stream.codec_context is None:
        return False
    return stream.codec_context.codec.canonical_name in TEXT_SUBTITLES


class SubtitleConverter:
    """Encodes one track of text subtitles anew.

    Attributes:
        stream: in the output.
    """

    def __init__(self, out: OutputContainer, source: SubtitleStream, codec: str) -> None:
        """Add a stream to ``out`` that ``codec`` encodes."""
        self._source = source
        # the decoder knows the styles, in ASS's words, once it is open
        source.codec_context.open(strict=False)
        stream = out.add_stream(codec)
        assert isinstance(stream, SubtitleStream)
        self.stream = stream
        stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)

    def packets(self, packet: Packet[Any] | None, span: TimeRange) -> Iterator[Packet[Any]]:
        """Encode what a packet of the source holds; ``None`` at its end. See `AudioConverter.packets`."""
        if packet is None or packet.pts is None or not packet.size:
            return
        tick = packet.time_base
        begin, end = packet.pts * tick, (packet.pts + (packet.duration or 0)) * tick
        if not span.begin <= begin < span.end:
            return
        try:
            shown = self._source.codec_context.decode2(packet)
            encoded = self.stream.codec_context.encode_subtitle(shown) if shown else None
        except av.FFmpegError:
            return  # damaged text is skipped, as players do
        if encoded is not None and encoded.size:
            encoded.pts = encoded.dts = round((begin + span.shift) * 1000)
            encoded.duration = round((min(end, span.end) - begin) * 1000)
            encoded.time_base, encoded.stream = Fraction(1, 1000), self.stream
            yield encoded

    def end(self, span: TimeRange) -> Iterator[Packet[Any]]:
        """See `AudioConverter.end`; text is never held back."""
        yield from ()


class AudioConverter:
    """Encodes one track of audio anew.

    Attributes:
        stream: in the output.
        start: seconds at which the first frame of the source is heard, ``None`` until one is decoded.
    """

    def __init__(self, out: OutputContainer, source: AudioStream, codec: str) -> None:
        """Add a stream to ``out`` that ``codec`` encodes."""
        context = source.codec_context
        name = context.layout.name
        self.start: Fraction | None = None
        self._source = source
        # FFmpeg calls a layout that the file does not say “3 channels”
        self._layout = LAYOUTS[context.channels] if " " in name or not name else name
        self._rate = rate_for(codec, context.sample_rate)
        stream = out.add_stream(codec, self._rate)
        assert isinstance(stream, AudioStream)
        self.stream = stream
        stream.codec_context.layout = self._layout
        stream.codec_context.time_base = stream.time_base = Fraction(1, self._rate)
        if codec == "aac":
            stream.codec_context.bit_rate = AAC_BITS * context.channels
        else:
            stream.codec_context.format = lossless_format(codec, context.format.name)
        self._resampler: AudioResampler | None = None
        self._latest: Fraction | None = None
        self._due = Fraction(0)

    def packets(self, packet: Packet[Any] | None, span: TimeRange) -> Iterator[Packet[Any]]:
        """Encode what a packet of the source decodes to; ``None`` at its end.

        Args:
            packet: of the source.
            span: audio outside of it is left out.
        """
        try:
            frames = self._source.decode(packet)
        except av.InvalidDataError:
            return  # damaged audio is skipped, as players do
        for frame in frames:
            time = self._time_of(frame)
            self.start = time if self.start is None else self.start
            self._due = time + Fraction(frame.samples, frame.sample_rate)
            if span.begin <= time < span.end:
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round((time + span.shift) * frame.sample_rate)
                yield from self._encoded(frame)

    def _time_of(self, frame: av.AudioFrame) -> Fraction:
        """Seconds at which a decoded frame is heard; where it has no time, or the one's before, it follows that."""
        said = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else None
        repeated, self._latest = said == self._latest, said
        return self._due if said is None or repeated else said

    def end(self, span: TimeRange) -> Iterator[Packet[Any]]:
        """Flush decoder, resampler and encoder, and yield the last packets."""
        yield from self.packets(None, span)
        if self._resampler is not None:
            yield from self._encoded(None)
            yield from self.stream.encode(None)

    def _encoded(self, frame: av.AudioFrame | None) -> Iterator[Packet[Any]]:
        if self._resampler is None:
            context = self.stream.codec_context
            context.open(strict=False)  # tells how many samples the encoder takes at once
            self._resampler = AudioResampler(context.format, self._layout, self._rate, context.frame_size or None)
        if frame is not None and frame.layout.name != self._layout:
            frame = with_layout(frame, self._layout)
        for ready in self._resampler.resample(frame):
            yield from self.stream.encode(ready)


def rate_for(codec: str, rate: int) -> int:
    """The least sample rate that the encoder has and that loses nothing."""
    if codec != "aac":
        return min(rate, FLAC_RATE)
    return next((able for able in AAC_RATES if able >= rate), AAC_RATES[-1])


def lossless_format(codec: str, name: str) -> str:
    """Sample format of a lossless encoder that keeps ``name``'s samples: 16 bits, or 24 in 32."""
    short = name.rstrip("p") in ("u8", "s16")
    return ("s16" if short else "s32") + ("p" if codec == "alac" else "")


def with_layout(frame: av.AudioFrame, layout: str) -> av.AudioFrame:
    """A frame whose channels are called as in ``layout``."""
    renamed = av.AudioFrame.from_ndarray(frame.to_ndarray(), frame.format.name, layout)
    renamed.sample_rate, renamed.pts, renamed.time_base = frame.sample_rate, frame.pts, frame.time_base
    return renamed
