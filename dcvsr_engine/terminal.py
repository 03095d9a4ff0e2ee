"""Standard streams that are closed, full, or would obey what a file is called. Torch-free."""

import codecs
import os
import re
import sys
from contextlib import suppress
from typing import TextIO

from dcvsr_engine.errors import OutputError
from dcvsr_engine.storage import describe_os_error

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that terminals obey instead of showing them, and those that turn the direction of writing; not tab and newline."""


LOOK_ALIKE = "dcvsr.look_alike"
"""Names how streams replace what they cannot encode."""
LOOK_ALIKES = {"“": '"', "”": '"', "×": "x", "÷": "/", "→": "->", "–": "-", "…": "...", "·": "-"}
"""Signs in sentences of the program, and what terminals without them show."""


def look_alike(error: UnicodeError) -> tuple[str, int]:
    """See `codecs.register_error`: signs that look like the ones that cannot be encoded, and escapes for all others."""
    assert isinstance(error, UnicodeEncodeError)
    failed = error.object[error.start : error.end]
    return "".join(LOOK_ALIKES.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in failed), error.end


codecs.register_error(LOOK_ALIKE, look_alike)


def printable(text: str) -> str:
    """Write control characters of a text as escapes: names and titles of files come from strangers."""
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


def prepare_streams() -> None:
    """Open closed standard streams, and have what cannot be encoded replaced.

    A closed stream's number would go to the next file that is opened, and what libraries print would end up in that.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=LOOK_ALIKE)


def print_out(text: str = "", end: str = "\n") -> None:
    """Print to standard output; raises `OutputError` when that is full, `BrokenPipeError` when nobody reads it any more."""
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        silence(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"The output cannot be written ({describe_os_error(error)}).") from None


def silence(stream: TextIO) -> None:
    """Have Python lose what a stream still holds, rather than fail over it when the process ends."""
    number = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # it is closed, or no file
        os.dup2(number, stream.fileno())
    os.close(number)


def file_size(size: int) -> str:
    """Bytes in words, to two digits: an estimate is no better."""
    power = sum(size >= least for least in (2**20, 2**30))
    amount, unit = size / 2 ** (10 * power + 10), ("KB", "MB", "GB")[power]
    return f"{amount:.1f} {unit}" if amount < 10 else f"{float(f'{amount:.2g}'):.0f} {unit}"


def time_span(seconds: float) -> str:
    """A duration in words, to the minute where it is longer than that."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
