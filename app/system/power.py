"""What the computer can be asked for when all is done: a sound, sleep, to shut down, a command of the user's."""

import math
import shutil
import struct
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal, get_args

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from dcvsr_engine.paths import cache_folder

Afterward = Literal["nothing", "sound", "notify", "sleep", "shut down", "command"]
AFTERWARDS: tuple[Afterward, ...] = get_args(Afterward)
POWERS: tuple[Afterward, ...] = ("sleep", "shut down")
"""Of these the user is warned a minute ahead."""

TONES_HERTZ = 659.3, 880.0
TONE_SECONDS, RATE, LOUDNESS = 0.35, 22050, 9000
PLAYERS = ("pw-play", "paplay", "aplay", "afplay")


def deed_name(afterward: Afterward) -> str:
    """What is to follow, in words."""
    texts: dict[Afterward, str] = {
        "nothing": QCoreApplication.translate("Power", "nothing"),
        "sound": QCoreApplication.translate("Power", "a sound"),
        "notify": QCoreApplication.translate("Power", "a notification"),
        "sleep": QCoreApplication.translate("Power", "sleep"),
        "shut down": QCoreApplication.translate("Power", "shut down"),
        "command": QCoreApplication.translate("Power", "run a command"),
    }
    return texts[afterward]


def power_command(wanted: Afterward, platform: str = sys.platform) -> list[str]:
    """The platform's command that puts the computer to sleep or shuts it down."""
    if platform == "win32":
        return ["rundll32", "powrprof.dll,SetSuspendState", "0,1,0"] if wanted == "sleep" else ["shutdown", "/s", "/t", "0"]
    if platform == "darwin":
        if wanted == "sleep":
            return ["pmset", "sleepnow"]
        return ["osascript", "-e", 'tell application "System Events" to shut down']
    return ["systemctl", "suspend" if wanted == "sleep" else "poweroff"]


def start_command(command: Sequence[str] | str, errors: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a program, or what the user has written for a shell, on its own: it goes on when the window closes.

    Args:
        command: what is started.
        errors: where it writes what goes wrong.

    Raises:
        OSError: it cannot be started.
    """
    null = subprocess.DEVNULL
    shell = isinstance(command, str)
    return subprocess.Popen(command, shell=shell, stdin=null, stdout=null, stderr=errors, start_new_session=True)


def play_chime() -> None:
    """Two rising tones; the system's own beep where nothing can play them."""
    if sys.platform == "win32":
        import winsound

        winsound.PlaySound(str(chime()), winsound.SND_FILENAME | winsound.SND_ASYNC)
        return
    player = next((path for name in PLAYERS if (path := shutil.which(name))), None)
    if player is None:
        QApplication.beep()
    else:
        start_command([player, str(chime())])


def chime() -> Path:
    """The sound as a file, made when it is first needed."""
    path = cache_folder() / "chime.wav"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(b"".join(struct.pack("<h", round(value)) for tone in TONES_HERTZ for value in fading(tone)))
    return path


def fading(hertz: float) -> list[float]:
    """A tone that fades away, as samples of 16 bits."""
    count = round(TONE_SECONDS * RATE)
    return [
        LOUDNESS * math.sin(2 * math.pi * hertz * at / RATE) * (1 - at / count) ** 2 * min(1.0, at / 200) for at in range(count)
    ]
