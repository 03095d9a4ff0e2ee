"""The sound of a clip as samples, from any time on, for listening beside its frames."""

import contextlib
from collections.abc import Iterator
from itertools import chain

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from dcvsr_engine.video.clock import ClockReader
from dcvsr_engine.video.decode import packets
from dcvsr_engine.video.probe import VideoInfo
from dcvsr_engine.video.source import opened

SoundSamples = NDArray[np.int16]
"""``(samples, 2)``: left and right."""

SOUND_RATE = 48_000
"""Samples per second that any sound is brought to."""

SLACK = round(0.02 * SOUND_RATE)
"""Samples by which times may be off, as containers round them, before sound is moved to where they say."""

LEAD_SECONDS = 0.3
"""Decoding begins this much earlier: decoders are right only after some packets."""


def sound_between(info: VideoInfo, begin: float, end: float) -> Iterator[SoundSamples]:
    """The sound of a part of a clip, with silence wherever it has none.

    Args:
        info: of the clip.
        begin, end: seconds after its beginning.

    Returns:
        Blocks of samples that are together as long as the part.

    Raises:
        InputError: the file can no longer be read.
    """
    total, written = round((end - begin) * SOUND_RATE), 0
    for time, block in sound_from(info, begin):
        place = round((time - begin) * SOUND_RATE)
        if written and abs(place - written) <= SLACK:
            place = written
        yield from silent_samples(min(place, total) - written)
        heard = block[max(0, written - place) : max(0, total - place)]
        if len(heard):
            yield heard
        written = min(total, max(written, place + len(block)))
        if written == total:
            return
    yield from silent_samples(total - written)


def silent_samples(count: int) -> Iterator[SoundSamples]:
    """That many silent samples, if any, a second at a time."""
    for begin in range(0, count, SOUND_RATE):
        yield np.zeros((min(SOUND_RATE, count - begin), 2), np.int16)


def sound_from(info: VideoInfo, begin: float) -> Iterator[tuple[float, SoundSamples]]:
    """Blocks of the main sound track with their times in seconds after the clip's beginning, from ``begin`` or earlier on."""
    if not info.audio:
        return
    origin = float(info.start_pts * info.time_base)
    with opened(info.path) as container:
        stream = sound_stream(container)
        if stream is None:
            return
        # by a clock that jumps, nothing is found: such files are read from their beginning
        if begin > LEAD_SECONDS and not info.clock and stream.time_base:
            with contextlib.suppress(av.FFmpegError):
                container.seek(round((begin + origin - LEAD_SECONDS) / stream.time_base), stream=stream)
        for time, block in decoded_sound(container, stream, info):
            yield time - origin, block


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The sound track that a player would choose."""
    tracks = [stream for stream in container.streams.audio if stream.codec_context is not None]
    return next((stream for stream in tracks if stream.disposition & Disposition.default), next(iter(tracks), None))


def decoded_sound(container: InputContainer, stream: AudioStream, info: VideoInfo) -> Iterator[tuple[float, SoundSamples]]:
    """Time in seconds on the file's time line, and samples; what is damaged is left out."""
    resamplers: dict[tuple[str, str, int], AudioResampler] = {}
    due = 0.0
    for packet in chain(packets(container, [stream], lambda words: None, ClockReader(info.clock)), (None,)):
        try:
            frames = stream.decode(packet)
        except av.FFmpegError:
            continue
        for frame in frames:
            time = float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else due
            due = time + frame.samples / frame.sample_rate
            # tracks may change their form on the way
            form = frame.format.name, frame.layout.name, frame.sample_rate
            resampler = resamplers.setdefault(form, AudioResampler("s16", "stereo", SOUND_RATE))
            for ready in resampler.resample(frame):
                block = ready.to_ndarray().astype(np.int16, copy=False).reshape(-1, 2)
                # a resampler may hold back some samples for the next time
                yield due - len(block) / SOUND_RATE, block
