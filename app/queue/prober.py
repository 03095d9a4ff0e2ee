"""Probes dropped clips in the background: what they are, how containers keep their tracks, a small picture, results.

Own code rather than superqt's `thread_worker`: a pool with one thread is as short, and its package costs start-up time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThread, QThreadPool, Signal

from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.settings import OutputSettings, rate_of

MOST_JUDGES = 4
"""Results that are looked at at a time, at most: more would only hinder each other on a disk."""

PICTURE_PIXELS = 112, 72
"""Width and height of a small picture, at most: a row of the queue on a dense screen."""


class Probe(QRunnable):
    """Opens one clip on the pool's thread."""

    def __init__(self, prober: "Prober", item_id: str, path: Path, output: OutputSettings, known: bool) -> None:
        super().__init__()
        self._prober, self._item_id, self._path, self._output, self._known = prober, item_id, path, output, known

    def run(self) -> None:
        """Probe the clip and report what it is and how it looks, or why it cannot be read."""
        from dcvsr_engine.video.probe import at_rate, probe  # loads the decoder
        from dcvsr_engine.video.thumbnail import small_picture
        from dcvsr_engine.video.tracks import container_fit

        try:
            info = at_rate(probe(self._path), rate_of(self._output.frame_rate))
            if not self._known:
                self._prober.probed.emit(self._item_id, info)
            self._prober.fitted.emit(self._item_id, container_fit(info, self._output))
            self._prober.pictured.emit(self._item_id, small_picture(info, PICTURE_PIXELS))
        except (UserError, OSError) as error:
            # a known clip may be on a disk that is away for now
            if not self._known:
                self._prober.failed.emit(self._item_id, str(error))


class Judgement(QRunnable):
    """Looks on a pool's thread whether a clip has a whole result."""

    def __init__(self, prober: "Prober", group: int, clip: FoundClip, results: Sequence[Path]) -> None:
        super().__init__()
        self._prober, self._group, self._clip, self._results = prober, group, clip, results

    def run(self) -> None:
        """Report what is wrong with the clip's results."""
        self._prober.judged.emit(self._group, self._clip, flaw_of_all(self._clip.path, self._results))


def flaw_of_all(source: Path, results: Sequence[Path]) -> str | None:
    """What is wrong with the results of a clip, ``None`` where one of them is whole; empty where the clip cannot be read."""
    from dcvsr_engine.jobs.results import flaw_of  # loads the decoder

    try:
        flaws = [flaw_of(result, source) for result in results]
    except (UserError, OSError):
        return ""
    return None if None in flaws else flaws[0]


class Prober(QObject):
    """Probes clips one after another, and beside that judges results, several at a time.

    Attributes:
        probed: an item's id and its `VideoInfo`.
        fitted: an item's id and the `ContainerFit` of its tracks.
        pictured: an item's id and a small picture, RGB ``(height, width, 3)``, or ``None``.
        failed: an item's id, and the sentence that says why its clip cannot be read.
        judged: the number of a group, one of its `FoundClip`, and `flaw_of_all` of that.
    """

    probed = Signal(str, object)
    fitted = Signal(str, object)
    pictured = Signal(str, object)
    failed = Signal(str, str)
    judged = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        # clips that are new must not wait for those that are done
        self._judges = QThreadPool(self)
        self._judges.setMaxThreadCount(min(MOST_JUDGES, QThread.idealThreadCount()))

    def look_up(self, item_id: str, path: Path, output: OutputSettings, known: bool = False) -> None:
        """Probe a clip soon, whose result is to be written by ``output``; what a ``known`` one is need not be told."""
        self._pool.start(Probe(self, item_id, path, output, known))

    def judge(self, group: int, results: Mapping[FoundClip, Sequence[Path]]) -> None:
        """Look soon whether these are whole results of their clips."""
        for clip, paths in results.items():
            self._judges.start(Judgement(self, group, clip, paths))

    def stop(self) -> None:
        """Drop the clips that were not looked at yet, and wait for the current ones."""
        for pool in (self._pool, self._judges):
            pool.clear()
            pool.waitForDone()
