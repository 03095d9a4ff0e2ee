"""Probes dropped clips in the background: what they are, how containers keep their tracks, a small picture, results.

Own code rather than superqt's `thread_worker`: a pool with one thread is as short, and its package costs start-up time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.settings import OutputSettings

PICTURE_PIXELS = 112, 72
"""Width and height of a small picture, at most: a row of the queue on a dense screen."""


class Probe(QRunnable):
    """Opens one clip on the pool's thread."""

    def __init__(self, prober: "Prober", item_id: str, path: Path, output: OutputSettings, known: bool) -> None:
        super().__init__()
        self._prober, self._item_id, self._path, self._output, self._known = prober, item_id, path, output, known

    def run(self) -> None:
        """Probe the clip and report what it is and how it looks, or why it cannot be read."""
        from dcvsr_engine.video.probe import probe  # loads the decoder
        from dcvsr_engine.video.thumbnail import small_picture
        from dcvsr_engine.video.tracks import container_fit

        try:
            info = probe(self._path)
            if not self._known:
                self._prober.probed.emit(self._item_id, info)
            self._prober.fitted.emit(self._item_id, container_fit(info, self._output))
            self._prober.pictured.emit(self._item_id, small_picture(info, PICTURE_PIXELS))
        except (UserError, OSError) as error:
            # a known clip may be on a disk that is away for now
            if not self._known:
                self._prober.failed.emit(self._item_id, str(error))


class Judgement(QRunnable):
    """Looks on the pool's thread whether clips have a whole result."""

    def __init__(self, prober: "Prober", results: Mapping[FoundClip, Sequence[Path]], watched: bool) -> None:
        super().__init__()
        self._prober, self._results, self._watched = prober, results, watched

    def run(self) -> None:
        """Report what is wrong with the results of each clip."""
        flaws = {clip: flaw_of_all(clip.path, results) for clip, results in self._results.items()}
        self._prober.judged.emit(flaws, self._watched)


def flaw_of_all(source: Path, results: Sequence[Path]) -> str | None:
    """What is wrong with the results of a clip, ``None`` where one of them is whole; empty where the clip cannot be read."""
    from dcvsr_engine.jobs.results import flaw_of  # loads the decoder

    try:
        flaws = [flaw_of(result, source) for result in results]
    except (UserError, OSError):
        return ""
    return None if None in flaws else flaws[0]


class Prober(QObject):
    """Probes clips one after another.

    Attributes:
        probed: an item's id and its `VideoInfo`.
        fitted: an item's id and the `ContainerFit` of its tracks.
        pictured: an item's id and a small picture, RGB ``(height, width, 3)``, or ``None``.
        failed: an item's id, and the sentence that says why its clip cannot be read.
        judged: a dictionary from `FoundClip` to `flaw_of_all`, and whether they are from the watched folder.
    """

    probed = Signal(str, object)
    fitted = Signal(str, object)
    pictured = Signal(str, object)
    failed = Signal(str, str)
    judged = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def look_up(self, item_id: str, path: Path, output: OutputSettings, known: bool = False) -> None:
        """Probe a clip soon, whose result is to be written by ``output``; what a ``known`` one is need not be told."""
        self._pool.start(Probe(self, item_id, path, output, known))

    def judge(self, results: Mapping[FoundClip, Sequence[Path]], watched: bool) -> None:
        """Look soon whether these are whole results of their clips."""
        self._pool.start(Judgement(self, results, watched))

    def stop(self) -> None:
        """Drop the clips that were not probed yet, and wait for the current one."""
        self._pool.clear()
        self._pool.waitForDone()
