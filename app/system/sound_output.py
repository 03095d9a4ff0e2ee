"""The computer's sound device, through miniaudio: its wheels have all they need on Linux, Windows and macOS."""

from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from PySide6.QtCore import QCoreApplication

from dcvsr_engine.errors import UserError

if TYPE_CHECKING:
    from dcvsr_engine.video.sound import SoundSamples

PERIOD_MS, PERIODS = 40, 3
"""What the device asks for at once, and how many of these wait in it."""

DEVICE_SECONDS = PERIOD_MS * PERIODS / 1000
"""Sound that waits in the device, at most."""

Fill = Callable[[int], "SoundSamples"]
"""Gives the next samples; called on a thread of the device."""


class SoundUnavailable(UserError):
    """Nothing can be heard on this computer."""


class SoundOutput(Protocol):
    """Plays until it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def open_output(fill: Fill) -> SoundOutput:
    """Have the default device play what ``fill`` gives, from now on.

    Raises:
        SoundUnavailable: there is no device, or no library to use it.
    """
    from dcvsr_engine.video.sound import SOUND_RATE

    try:
        import miniaudio  # not at the window's start: it takes 0.1 s
    except (ImportError, OSError):
        text = QCoreApplication.translate("SoundOutput", "The library for sound (miniaudio) is not there.")
        raise SoundUnavailable(text) from None
    # without the one that plays to nobody
    real = [backend for backend in miniaudio.Backend if backend.name not in ("NULL", "CUSTOM")]
    try:
        device = miniaudio.PlaybackDevice(
            sample_rate=SOUND_RATE,
            buffersize_msec=PERIOD_MS,
            callback_periods=PERIODS,
            backends=real,
            app_name="DC-VSR Studio",
        )
        device.start(blocks(fill))
    except miniaudio.MiniaudioError:
        text = QCoreApplication.translate("SoundOutput", "There is no device for sound; connect one and play again.")
        raise SoundUnavailable(text) from None
    return device  # type: ignore[no-any-return]


def blocks(fill: Fill) -> Generator["SoundSamples | bytes", int, None]:
    """A generator that is sent the number of samples to yield next; begun."""

    def wanted() -> Generator["SoundSamples | bytes", int, None]:
        count = yield b""
        while True:
            count = yield fill(count)

    generator = wanted()
    next(generator)
    return generator
