"""Work that cancelled and failed jobs have kept on the disk, and its deletion when the user asks for it."""

from collections.abc import Iterable
from contextlib import suppress

from PySide6.QtCore import QCoreApplication, QObject, Slot
from PySide6.QtWidgets import QWidget

from app.models.declared import declared
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.widgets.engine_words import engine_words
from app.widgets.messages import ask, show_error
from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.folders import discard_job
from dcvsr_engine.planning.request import JobRequest


def resume_point(request: JobRequest) -> str:
    """From where a job resumes, in words: steps are kept, and a segment of one step keeps nothing before its end."""
    steps = declared(request.settings.model).resolve(request.settings).steps
    if steps > 1:
        return QCoreApplication.translate("UnfinishedWork", "from the last finished step")
    return QCoreApplication.translate("UnfinishedWork", "from the last finished segment")


def retry(queue: QueueModel, item: QueueItem, resume: bool) -> None:
    """Queue an item again: from finished work, or from the start, for which that work is deleted."""
    if not resume and item.folder:
        with suppress(UserError, OSError):  # another process runs it, as the engine will say
            discard_job(item.folder)
    queue.set_state(item.id, "waiting", message="", details="", progress=0.0, folder=item.folder if resume else None)


class UnfinishedWork(QObject):
    """Asks, and deletes. The items stay in the queue and can be started again."""

    def __init__(self, queue: QueueModel, window: QWidget) -> None:
        super().__init__(window)
        self._queue, self._window = queue, window

    @Slot(list)
    def ask(self, item_ids: list[str]) -> None:
        """Ask whether to delete what these items have kept."""
        items = [item for item_id in item_ids if (item := self._queue.item(item_id)) and item.can_resume]
        if not items:
            return
        names = ", ".join(item.request.source.name for item in items)
        size = sum(path.stat().st_size for item in items if item.folder for path in item.folder.glob("*")) / 2**20
        question = self.tr(
            "The finished work of {names} takes {size} MB. Without it the restoration starts from the beginning."
        ).format(names=names, size=f"{size:.0f}")
        title = self.tr("Delete unfinished work?")
        ask(self._window, title, question, self.tr("Delete"), self.tr("Keep"), lambda: self.delete(items))

    def delete(self, items: Iterable[QueueItem]) -> None:
        """Delete what these items have kept; an item that another process runs is left alone."""
        for item in items:
            try:
                assert item.folder is not None
                discard_job(item.folder)
            except (UserError, OSError) as error:
                show_error(self._window, self.tr("The unfinished work could not be deleted."), engine_words(str(error)))
            else:
                self._queue.change(item.id, folder=None, progress=0.0)
