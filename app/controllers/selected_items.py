"""What can be done with the selected items of the queue."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.controllers.history import History
from app.controllers.runs import Runs
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.queue.report import ReportPanel
from app.queue.unfinished import UnfinishedWork
from app.system.desktop import open_file, show_in_folder
from app.widgets.formats import readable
from app.widgets.messages import show_failure
from app.widgets.notices import NoticeBar


class SelectedItems(QObject):
    """Acts on the queue panel's selection.

    Attributes:
        report_shown: a report is to be seen.
    """

    report_shown = Signal()

    def __init__(
        self,
        panel: QueuePanel,
        queue: QueueModel,
        runs: Runs,
        report: ReportPanel,
        notices: NoticeBar,
        history: History,
    ) -> None:
        super().__init__(panel)
        self._panel, self._queue, self._runs, self._report = panel, queue, runs, report
        self._notices, self._history = notices, history
        self._unfinished = UnfinishedWork(queue, panel)
        panel.current_changed.connect(lambda _: self._follow())
        queue.item_changed.connect(lambda item_id: self._follow() if item_id == panel.current_id() else None)

    def start(self) -> None:
        """Restore only the current item."""
        self._runs.restore_only(self._panel.current_id())

    def resume(self) -> None:
        """Resume the items that have finished work."""
        self._runs.run_again(self._panel.selected_ids(), resume=True)

    def start_again(self) -> None:
        """Restore the items from the start."""
        self._runs.run_again(self._panel.selected_ids(), resume=False)

    def play_result(self) -> None:
        """Open the current item's result with the user's player."""
        self.play_result_of(self._panel.current_id())

    def play_result_of(self, item_id: str) -> None:
        """Open a finished item's result with the user's player."""
        item = self._queue.item(item_id)
        if item and item.finished:
            self.play(item.finished)

    def play(self, video: Path) -> None:
        """Open a video with the user's player."""
        if not video.exists():
            self._notices.caution(self.tr("“{name}” is not there any more; restore the clip again.").format(name=video.name))
        elif not open_file(video):
            self._notices.caution(
                self.tr("No program on this computer opens “{name}”; install a player.").format(name=video.name)
            )

    def show_in_folder(self) -> None:
        """Show the current item's result in the file manager."""
        item = self._current()
        if item and item.finished:
            show_in_folder(item.finished)

    def show_report(self) -> None:
        """Show the report of the current item."""
        self.show_report_of(self._panel.current_id())

    def show_report_of(self, item_id: str) -> None:
        """Show a finished item, and its report."""
        if self._queue.item(item_id):
            if item_id != self._panel.current_id():
                self._panel.select(item_id)
            self.report_shown.emit()

    def _follow(self) -> None:
        """Have the report panel tell of the current item."""
        item = self._current()
        if item is None:
            self._report.show_nothing()
        else:
            text = self.tr("Report of {name}") if item.report else self.tr("{name} has not been restored yet.")
            self._report.show_report(text.format(name=readable(item.request.source.name)), item.report)

    def show_failure(self) -> None:
        """Show again why the current item failed."""
        item = self._current()
        if item:
            show_failure(self._panel, item.request.source.name, item.message, item.details)

    def delete_unfinished(self) -> None:
        """Ask whether to delete what the items have kept for resuming."""
        self._unfinished.ask(self._panel.selected_ids())

    def move_up(self) -> None:
        """Move the current item towards the queue's front."""
        self._move(-1)

    def move_down(self) -> None:
        """Move the current item towards the queue's end."""
        self._move(1)

    def _move(self, rows: int) -> None:
        row = self._queue.queue.row(self._panel.current_id())
        self._queue.move(row, row + rows)

    def remove(self) -> None:
        """Take the items out of the queue, except the one that runs."""
        ids = [item.id for item in self._panel.selected_items() if item.state != "running"]
        self._panel.select_beside(ids)
        self._history.remove(ids)

    def _current(self) -> QueueItem | None:
        return self._queue.item(self._panel.current_id())
