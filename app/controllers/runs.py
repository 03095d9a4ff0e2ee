"""What the user asks of the engine: estimate, preview, restore, pause, run again."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.planning import Planning
from app.controllers.shown_item import ShownItem
from app.engine.plan_dialog import PlanDialog
from app.engine.runner import Activity, JobRunner, Variant
from app.preview.panel import PreviewPanel
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.unfinished import retry
from app.settings.panel import SettingsPanel
from app.system.preferences import Preferences
from dcvsr_engine.planning.request import Region

HD_PIXELS = 1280 * 720
"""Of a frame; from this size on a preview of all of it takes too long, and mostly too much memory."""


class Runs(QObject):
    """Decides what runs, and asks the runner for it."""

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
        self._runner, self._queue, self._shown = runner, queue, shown
        self._preview, self._settings, self._preferences = preview, settings, preferences
        self._planning = Planning(window, runner, queue, shown, preferences)
        self._visible_only: bool | None = None

    # -- restore ------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Run the waiting clips."""
        self._run([item for item in self._queue.queue if item.state == "waiting"], self._runner.start_queue)

    def restore_only(self, item_id: str) -> None:
        """Run a waiting clip, and no other."""
        item = self._queue.item(item_id)
        if item:
            self._run([item], lambda: self._runner.start_items([item_id]))

    def _run(self, items: Sequence[QueueItem], start: Callable[[], object]) -> None:
        """Call ``start``; where the user wants that, after the plan has been accepted."""
        # a plan is made for this computer, every device of a farm makes its own; and while something runs there is none
        if self._preferences.plan_first and items and not self._runner.farm and not self._runner.current:
            self._planning.open(items, start)
        else:
            start()

    def estimate(self) -> None:
        """Show the plan of the clip that is shown, and run that one when it is accepted."""
        item = self._shown.item
        if item:
            self._planning.open([item], lambda: self._runner.start_item(item.id))

    @property
    def plan_dialog(self) -> PlanDialog | None:
        """The estimate that is open."""
        return self._planning.dialog

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
        frames = self._preview.chosen_frames or self._window_of_frames(item)
        region = self._region()
        # frames of an earlier try would be taken for this one's
        self._preview.clear_results(variant)
        # at full strength: the view mixes it with the enlarged input, and follows the slider at once
        settings = item.request.settings.replace(strength=1.0)
        self._runner.preview(item.request.replace(frames=frames, region=region, settings=settings), variant, item.id)

    def _region(self) -> Region | None:
        """The part of the picture that a preview restores: the selected one, or where asked or large the visible one."""
        # how much is seen depends on how it is compared, which must not change with the first result
        if self.visible_only:
            self._preview.begin_comparing()
        # where all of a large frame is seen, the visible part would be the whole of it
        if self._visible_only is None and self.visible_only:
            self._preview.view.enlarge_to_pixels()
        if self._preview.region is None and self.visible_only:
            return self._preview.visible_region()
        return self._preview.region

    def _window_of_frames(self, item: QueueItem) -> tuple[int, int]:
        """First and last of one window of frames from the current frame on, or the last one that fits."""
        assert self._preview.info is not None
        window, frames = self._settings.model.resolve(item.request.settings).window, self._preview.info.frames
        first = min(self._preview.timeline.range.current, max(0, frames - window))
        return first, min(first + window, frames) - 1

    @property
    def visible_only(self) -> bool:
        """Whether previews take only the visible part: as the user has chosen, or else with HD clips."""
        info = self._preview.info
        return self._visible_only if self._visible_only is not None else bool(info and info.width * info.height >= HD_PIXELS)

    def set_visible_only(self, visible_only: bool) -> None:
        """Have previews take only the visible part of the picture, or all of it."""
        self._visible_only = visible_only

    # -- what runs ----------------------------------------------------------------------------------------------

    def pause_or_resume(self) -> None:
        """Pause the job that runs, or resume it."""
        if self._runner.activity in (Activity.PAUSED, Activity.PAUSING):
            self._runner.resume()
        else:
            self._runner.pause()

    def run_again(self, ids: Sequence[str], resume: bool) -> None:
        """Run ended items again, and only those.

        Args:
            ids: the items; those that wait or run are left alone.
            resume: take only items with finished work, and keep that work.
        """
        items = [item for item_id in ids if (item := self._queue.item(item_id))]
        ended = [item for item in items if item.state not in ("waiting", "running") and (item.can_resume or not resume)]
        if not ended:
            return
        self._shown.select(ended[0].id)
        start = partial(self._retry, [item.id for item in ended], resume)
        if resume:
            start()
        else:
            self._run(ended, start)

    def _retry(self, ids: Sequence[str], resume: bool) -> None:
        """Queue items again, as they are now, and run them."""
        for item in filter(None, map(self._queue.item, ids)):
            retry(self._queue, item, resume)
        self._runner.start_items(ids)
