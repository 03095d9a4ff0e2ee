"""What the user asks of the engine: estimate, preview, restore, pause, run again."""

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.shown_item import ShownItem
from app.engine.plan_dialog import PlanDialog
from app.engine.runner import Activity, JobRunner, Variant, retry
from app.preview.panel import PreviewPanel
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.settings.panel import SettingsPanel
from app.system.preferences import Preferences


class Runs(QObject):
    """Decides what runs, and asks the runner for it.

    Attributes:
        plan_dialog: the estimate that is open.
        visible_only: whether previews take only the visible part of the picture.
    """

    def __init__(
        self,
        window: QWidget,
        runner: JobRunner,
        queue: QueueModel,
        shown: ShownItem,
        preview: PreviewPanel,
        settings: SettingsPanel,
        preferences: Preferences,
    ) -> None:
        super().__init__(window)
        self._window, self._runner, self._queue, self._shown = window, runner, queue, shown
        self._preview, self._settings, self._preferences = preview, settings, preferences
        self.plan_dialog: PlanDialog | None = None
        self.visible_only = False

    # -- restore ------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Run the waiting clips, after the plan of the first has been accepted."""
        waiting = self._waiting()
        if self._preferences.plan_first and waiting:
            dialog = self._open_plan(waiting[0], others=len(waiting) - 1)
            if dialog:
                dialog.accepted.connect(self._runner.start_queue)
        else:
            self._runner.start_queue()

    def estimate(self) -> None:
        """Show the plan of the clip that is shown, and run that one when it is accepted."""
        item = self._shown.item
        dialog = self._open_plan(item, others=0) if item else None
        if item and dialog:
            dialog.accepted.connect(lambda: self._runner.start_item(item.id))

    def _waiting(self) -> list[QueueItem]:
        return [item for item in self._queue.queue if item.state == "waiting"]

    def _open_plan(self, item: QueueItem, others: int) -> PlanDialog | None:
        """Ask the engine for a plan and open its dialog; nothing while the engine is busy."""
        if self._runner.current:
            return None
        dialog = PlanDialog(item.request, others, self._preferences.plan_first, self._window)
        dialog.ask_again_changed.connect(self._on_ask_again)
        dialog.finished.connect(self._on_plan_closed)
        self.plan_dialog = dialog
        dialog.open()
        self._runner.plan(item.request)
        return dialog

    def _on_ask_again(self, ask_again: bool) -> None:
        self._preferences.plan_first = ask_again

    def _on_plan_closed(self) -> None:
        self.plan_dialog = None
        self._runner.forget_plan()

    # -- preview ------------------------------------------------------------------------------------------------

    def preview_a(self) -> None:
        """Preview as the first of two variants."""
        self.preview("A")

    def preview_b(self) -> None:
        """Preview as the second of two variants."""
        self.preview("B")

    def preview(self, variant: Variant) -> None:
        """Restore the part from in to out, or a window of frames from the current one, only to show it."""
        item = self._shown.item
        if item is None or self._preview.info is None:
            return
        frames = self._preview.chosen_frames or self._choose_window(item)
        region = self._preview.visible_region() if self.visible_only else self._preview.region
        self._preview.clear_results(variant)
        self._runner.preview(item.request.replace(frames=frames, region=region), variant)

    def _choose_window(self, item: QueueItem) -> tuple[int, int]:
        """Set in and out around one window of frames from the current frame on, or the last one that fits."""
        assert self._preview.info is not None
        window, frames = self._settings.model.resolve(item.request.settings).window, self._preview.info.frames
        first = min(self._preview.timeline.range.current, max(0, frames - window))
        last = min(first + window, frames) - 1
        self._preview.timeline.set_chosen(first, last)
        return first, last

    def set_visible_only(self, visible_only: bool) -> None:
        """Have previews take only the visible part of the picture, or all of it."""
        self.visible_only = visible_only

    # -- what runs ----------------------------------------------------------------------------------------------

    def pause_or_resume(self) -> None:
        """Pause the job that runs, or resume it."""
        if self._runner.activity in (Activity.PAUSED, Activity.PAUSING):
            self._runner.resume()
        else:
            self._runner.pause()

    def run_again(self, ids: Sequence[str], resume: bool) -> None:
        """Queue ended items again and start the queue.

        Args:
            ids: the items; those that wait or run are left alone.
            resume: take only items with finished work, and keep that work.
        """
        for item_id in ids:
            item = self._queue.item(item_id)
            if item and item.state not in ("waiting", "running") and (item.can_resume or not resume):
                retry(self._queue, item, resume)
        if not self._runner.current:
            self._runner.start_queue()
