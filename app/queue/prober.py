"""Probes dropped clips in the background.

Own code rather than superqt's `thread_worker`: a pool with one thread is as short, and its package costs start-up time.
"""

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from dcvsr_engine.errors import UserError


class Probe(QRunnable):
    """Opens one clip on the pool's thread."""

    def __init__(self, prober: "Prober", item_id: str, path: Path) -> None:
        super().__init__()
        self._prober, self._item_id, self._path = prober, item_id, path

    def run(self) -> None:
        """Probe the clip and report what it is, or why it cannot be read."""
        from dcvsr_engine.video.probe import probe  # loads the decoder

        try:
            self._prober.probed.emit(self._item_id, probe(self._path))
        except (UserError, OSError) as error:
            self._prober.failed.emit(self._item_id, str(error))


class Prober(QObject):
    """Probes clips one after another.

    Attributes:
        probed: an item's id and its `VideoInfo`.
        failed: an item's id, and the sentence that says why its clip cannot be read.
    """

    probed = Signal(str, object)
    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def look_up(self, item_id: str, path: Path) -> None:
        """Probe a clip soon."""
        self._pool.start(Probe(self, item_id, path))

    def stop(self) -> None:
        """Drop the clips that were not probed yet, and wait for the current one."""
        self._pool.clear()
        self._pool.waitForDone()
