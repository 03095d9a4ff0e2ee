"""What decoding has read of an input, by hash: whether an input is still what was read can be told without decoding it again."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from dcvsr_engine.schema import Schema


class Passage(Schema):
    """Parts of an input, packets or whole picture files, that were read one after the other.

    Attributes:
        start: where reading began: number of a key frame or of a picture, ``None`` for the beginning of the file.
        first: the first of the parts, counted from there.
        count: how many they are.
        sha256: hash of them all, with their times.
    """

    start: int | None
    first: int
    count: int
    sha256: str


class PassageLog:
    """Hashes parts as they are read."""

    def __init__(self, start: int | None = None) -> None:
        """Begin at ``start``, see `Passage`."""
        self._start, self._first, self._count = start, 0, 0
        self._digest = hashlib.sha256()

    def add(self, part: bytes, stamp: str = "") -> None:
        """Take the next part, and its times as ``stamp``."""
        self._digest.update(stamp.encode())
        self._digest.update(part)
        self._count += 1

    def take(self) -> Passage:
        """What was read since the last call."""
        taken = Passage(start=self._start, first=self._first, count=self._count, sha256=self._digest.hexdigest())
        self._first, self._count, self._digest = self._first + self._count, 0, hashlib.sha256()
        return taken


Parts = Callable[[int | None], Iterator[tuple[bytes, str]]]
"""Gives the parts of an input from a start on, see `Passage`, each with its stamp."""


def first_changed(read: Parts, passages: Sequence[Passage], check: Callable[[], None] = lambda: None) -> int | None:
    """Read an input again, as far as it was read.

    Args:
        read: gives what is in the input now.
        passages: what was read, in that order.
        check: called for every part; may raise to stop.

    Returns:
        Place in ``passages`` of the first one that would be read differently now; ``None`` where all are as they were.
    """
    parts: Iterator[tuple[bytes, str]] = iter(())
    start, place = None, -1
    for number, passage in enumerate(passages):
        if (passage.start, passage.first) != (start, place):
            parts = islice(read(passage.start), passage.first, None)
        log = PassageLog()
        for part, stamp in islice(parts, passage.count):
            check()
            log.add(part, stamp)
        found = log.take()
        if (found.count, found.sha256) != (passage.count, passage.sha256):
            return number
        start, place = passage.start, passage.first + passage.count
    return None
