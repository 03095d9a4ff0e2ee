"""Times and amounts in words."""

import re
from pathlib import Path

from PySide6.QtCore import QCoreApplication

PERMILLE = 1000
"""Resolution of progress bars."""

UNITS = ("B", "KB", "MB", "GB", "TB")


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds, as ``00:12:40``."""
    whole = max(0, round(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def rough_time(seconds: float) -> str:
    """A time as exact as an estimate is: ``40 s``, ``12 min``, ``2 h 30 min``, ``31 h``."""
    minutes = seconds / 60
    # in steps of 5 minutes
    hours, rest = divmod(5 * round(minutes / 5), 60)
    if minutes < 1.5:
        return QCoreApplication.translate("Formats", "{seconds} s").format(seconds=max(1, round(seconds)))
    if minutes < 59.5:
        return QCoreApplication.translate("Formats", "{minutes} min").format(minutes=round(minutes))
    if rest and hours < 10:
        return QCoreApplication.translate("Formats", "{hours} h {minutes} min").format(hours=hours, minutes=rest)
    return QCoreApplication.translate("Formats", "{hours} h").format(hours=round(minutes / 60))


def amount(size: float) -> str:
    """Bytes in the largest fitting unit of 1024, as ``7.9 GB``."""
    for unit in UNITS[:-1]:
        # 1000 to 1023 would take a fourth digit
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} {UNITS[-1]}"


def length(seconds: float) -> str:
    """A clip's duration, in its shortest form: ``25 s``, ``3:05``, ``1:02:03``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def readable(text: str) -> str:
    """A text with a sign for every byte of a file name that is not UTF-8: what Qt gives back to Python has nothing there."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def shortened(path: Path | str, most: int = 60) -> str:
    """A path or name, with its middle left out if it is long."""
    text = str(path)
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-most // 2 :]}"
