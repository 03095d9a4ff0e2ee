"""The sound of the clip that plays, decoded beside the window and kept in step with its frames."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal

from app.preview.playback import Playback
from app.preview.sound_controls import LOUDEST
from app.system.sound_output import DEVICE_SECONDS, Fill, SoundOutput, open_output
from app.widgets.engine_words import engine_words
from dcvsr_engine.errors import UserError

if TYPE_CHECKING:
    from dcvsr_engine.video.probe import VideoInfo
    from dcvsr_engine.video.sound import SoundSamples

BUFFER_SECONDS = 1.0
"""Sound that is decoded ahead."""

KEPT_SECONDS = 20.0
"""A part up to this long is decoded once, however often it repeats."""

SLACK_SECONDS = 0.04
"""By this much sound may come late before some of it is left out; nobody hears it."""
EARLY_WAIT_SECONDS = 0.02
"""A device that asks too early waits this long."""

Piece = tuple["VideoInfo", Playback]
"""A clip and which part of it is played."""


class ClipSound(QObject):
    """Plays what belongs to the frames: forwards, at the clip's own speed; else there is silence.

    Signals:
        availability_changed: why nothing can be heard of this clip here; empty where it can.
    """

    availability_changed = Signal(str)

    def __init__(self, parent: QObject | None = None, output: Callable[[Fill], SoundOutput] = open_output) -> None:
        super().__init__(parent)
        self._info: VideoInfo | None = None
        self._playback: Playback | None = None
        self._volume, self._muted = LOUDEST, False
        self._player = _Player(output)
        self._player.tried.connect(self._on_tried)

    def set_clip(self, info: "VideoInfo | None") -> None:
        """Turn to another clip."""
        self._info = info
        self._wish()
        silent = info is not None and not info.audio
        self.availability_changed.emit(self.tr("This clip has no sound.") if silent else "")

    def follow(self, playback: Playback | None) -> None:
        """Play along with the frames; ``None`` when they stand still."""
        self._playback = playback
        self._wish()

    def set_volume(self, volume: int, muted: bool) -> None:
        """Be this loud, 0 … 100, or silent."""
        self._volume, self._muted = volume, muted
        # loudness is felt as a power of the amplitude
        self._player.set_gain((volume / LOUDEST) ** 2)
        self._wish()

    def _wish(self) -> None:
        """Have the thread play what is to be heard now, if it does not yet."""
        info, playback, loud = self._info, self._playback, self._volume > 0 and not self._muted
        if info is not None and info.audio and playback is not None and playback.direction > 0 and loud:
            self._player.want((info, playback))
        else:
            self._player.want(None)

    def _on_tried(self, problem: str) -> None:
        # another clip may be there by now
        if self._info is not None and self._info.audio:
            self.availability_changed.emit(engine_words(problem))

    def shutdown(self) -> None:
        """Stop the thread and wait for it."""
        self._player.stop()
        self._player.wait()


class SoundBuffer:
    """Sound between the thread that decodes it and the device that plays it; its samples are numbered from the start of play."""

    def __init__(self, started: float, gain: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        """``started`` on ``clock``; ``gain``: what samples are multiplied with when they are played."""
        from dcvsr_engine.video.sound import SOUND_RATE

        self._rate, self._started, self._gain, self._clock = SOUND_RATE, started, gain, clock
        self._changed = threading.Condition()
        self._blocks: deque[SoundSamples] = deque()
        self._next = 0
        self._waiting = 0
        self._closed = False

    def write(self, block: "SoundSamples") -> bool:
        """Add sound, as soon as there is room for it; returns whether it is still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting < BUFFER_SECONDS * self._rate)
            self._blocks.append(block)
            self._waiting += len(block)
            return not self._closed

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def read(self, count: int) -> "SoundSamples":
        """The next samples, silence where they are not decoded yet; those whose time is over are left out."""
        due = round((self._clock() - self._started) * self._rate)
        slack, ahead = SLACK_SECONDS * self._rate, DEVICE_SECONDS * self._rate
        with self._changed:
            if due - self._next > slack:
                self._take(due - self._next)
            early, late = self._next - due > ahead + slack, due - self._next > slack
            # a device that does not play in real time would ask without end
            self._changed.wait(EARLY_WAIT_SECONDS if early else 0)
            sound = self._take(0 if early or late else count)
            self._changed.notify()
        played = np.zeros((count, 2), np.int16)
        np.multiply(sound, self._gain(), out=played[: len(sound)], casting="unsafe")
        return played

    def _take(self, count: int) -> "SoundSamples":
        """Up to that many samples from the front."""
        taken = [np.zeros((0, 2), np.int16)]
        while count and self._blocks:
            block = self._blocks.popleft()
            if len(block) > count:
                self._blocks.appendleft(block[count:])
            taken.append(block[:count])
            count -= len(taken[-1])
        sound = np.concatenate(taken)
        self._next += len(sound)
        self._waiting -= len(sound)
        return sound


class _Player(QThread):
    """The worker behind `ClipSound`. What is wanted – `_piece`, `_stopping` – and `_buffer` are guarded by `_wanted`.

    Signals:
        tried: why something cannot be played; empty when it is.
    """

    tried = Signal(str)

    def __init__(self, output: Callable[[Fill], SoundOutput]) -> None:
        super().__init__()
        self._output = output
        self._wanted = threading.Condition()
        self._piece: Piece | None = None
        self._stopping = False
        self._buffer: SoundBuffer | None = None
        self._gain = 1.0

    # -- called by the window -----------------------------------------------------------------------------------

    def want(self, piece: Piece | None) -> None:
        """Play another piece, or nothing; the thread begins with the first."""
        with self._wanted:
            if piece == self._piece:
                return
            self._piece = piece
            self._interrupt()
        if piece is not None and not self.isRunning():
            self.start()

    def set_gain(self, gain: float) -> None:
        """Multiply samples by this."""
        self._gain = gain

    def stop(self) -> None:
        """End the thread."""
        with self._wanted:
            self._stopping = True
            self._interrupt()

    def _interrupt(self) -> None:
        if self._buffer is not None:
            self._buffer.close()
        self._wanted.notify()

    # -- the thread ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Play what is wanted until stopped."""
        served: Piece | None = None
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._stopping or self._piece != served)  # noqa: B023
                if self._stopping:
                    return
                served = self._piece
                self._buffer = buffer = SoundBuffer(served[1].started, lambda: self._gain) if served else None
            if served is not None and buffer is not None:
                self._play(buffer, *served)

    def _play(self, buffer: SoundBuffer, info: "VideoInfo", playback: Playback) -> None:
        """Play until something else is wanted."""
        try:
            with self._output(buffer.read):
                self.tried.emit("")
                for block in sound_of(info, playback):
                    if not buffer.write(block):
                        break
        except UserError as error:
            self.tried.emit(str(error))


def sound_of(info: "VideoInfo", playback: Playback) -> Iterator["SoundSamples"]:
    """The sound of play, for ever."""
    from dcvsr_engine.video.sound import sound_between

    yield from sound_between(info, playback.origin, playback.origin + playback.turns)
    end = playback.first + playback.length
    kept = list(sound_between(info, playback.first, end)) if playback.length <= KEPT_SECONDS else []
    while True:
        yield from kept or sound_between(info, playback.first, end)
