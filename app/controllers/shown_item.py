"""The item of the queue that is shown: its clip, its settings, its tiles and its result."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.controllers.history import History
from app.controllers.result_reader import ResultReader
from app.controllers.tile_guide import TileGuide
from app.engine.runner import EngineRun, JobRunner
from app.preview.panel import PreviewPanel
from app.preview.picture import stretched
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.settings.panel import SettingsPanel
from app.system.preferences import Preferences
from app.system.result_rule import UNKNOWN
from dcvsr_engine.events import PreviewFrame
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import rate_of

log = logging.getLogger(__name__)


def seen_alike(request: JobRequest) -> tuple[Path, str]:
    """What of a job decides how its clip is seen: the clip, and the frame rate of its pictures."""
    return request.source, request.output.frame_rate


class ShownItem(QObject):
    """Keeps preview and settings panel true to one item, and the item true to what is edited there.

    Attributes:
        changed: another item is shown, or its state changed, or its clip has been opened.
        item: the item, ``None`` when the queue is empty.
    """

    changed = Signal()

    def __init__(
        self,
        queue: QueueModel,
        queue_panel: QueuePanel,
        settings: SettingsPanel,
        preview: PreviewPanel,
        runner: JobRunner,
        preferences: Preferences,
        history: History,
    ) -> None:
        super().__init__(queue_panel)
        self.item: QueueItem | None = None
        self._queue, self._queue_panel, self._settings, self._preview = queue, queue_panel, settings, preview
        self._runner, self._preferences, self._history = runner, preferences, history
        self._tiles, self.results = TileGuide(preview), ResultReader(self)
        queue_panel.current_changed.connect(self.show)
        queue.item_changed.connect(self._on_item_changed)
        settings.request_changed.connect(self._on_request_edited)
        history.applied.connect(self._on_history_applied)
        preview.clip_opened.connect(self._on_clip_opened)
        preview.clip_failed.connect(self._on_clip_failed)
        preview.range_changed.connect(self._on_range_changed)
        preview.timeline.part_only_changed.connect(self.restore_part_only)
        queue.removed.connect(preview.forget)
        preview.frame_changed.connect(self._on_frame_changed)
        self.results.opened.connect(preview.mark_result)
        self.results.frame_ready.connect(self._on_result_frame)

    def stop(self) -> None:
        """End the thread that decodes results."""
        self.results.stop()

    def select(self, item_id: str) -> None:
        """Select an item in the queue's panel, which shows it."""
        self._queue_panel.select(item_id)

    # -- what is shown ------------------------------------------------------------------------------------------

    def show(self, item_id: str) -> None:
        """Show another item; an empty or unknown id shows none."""
        former, self.item = self.item, self._queue.item(item_id)
        if self.item is None:
            self._preview.close_clip()
            self.show_defaults()
        else:
            self._show_clip(self.item, former)
            self._show_settings(self.item)
        self.changed.emit()

    def _show_clip(self, item: QueueItem, former: QueueItem | None) -> None:
        """Open the item's clip, unless it is open because the former item has the same one."""
        # a clip that is in the queue twice is decoded once
        if former is None or seen_alike(former.request) != seen_alike(item.request) or self._preview.info is None:
            self._open(item)
        else:
            self._preview.name_clip(item.id)
            self._show_result()

    def _open(self, item: QueueItem) -> None:
        self._preview.open_clip(item.request.source, item.id, rate_of(item.request.output.frame_rate))

    def show_defaults(self) -> None:
        """Show the settings that the next clip starts with."""
        self._settings.lock("")
        self._settings.note_facts(UNKNOWN)
        self._settings.show_request(self._preferences.request_for(Path()))
        self.follow_settings()

    def _show_settings(self, item: QueueItem) -> None:
        locked = item.state == "running"
        self._settings.note_facts(item.facts)
        self._settings.show_request(item.request)
        self._settings.lock(self.tr("This clip is being restored with these settings.") if locked else "")
        self.follow_settings()

    def _show_result(self) -> None:
        """Show the finished result beside the clip, if it has one."""
        self._preview.mark_result(range(0))
        self.results.open(self.item)
        self.results.request(self._preview.timeline.range.current)

    def follow_settings(self) -> None:
        """Draw the tiles that the settings make, or those of the job that runs."""
        self._tiles.follow(self._settings.request, self._settings.model, self.is_running)

    def take_plan(self, run: EngineRun, plan: Plan) -> None:
        """Draw the tiles of a plan; when the planned job runs, where it works."""
        self._tiles.take_plan(run.request, plan)
        if self.is_running:
            self._tiles.show_run(run.request, plan)
            # a job that begins does not know yet which frame is seen
            self._runner.look_at(self._preview.timeline.range.current)

    @property
    def is_running(self) -> bool:
        """Whether the clip that is shown is being restored or previewed."""
        run = self._runner.current
        return bool(run and not run.plan_only and self.item and run.item == self.item.id)

    @property
    def is_part(self) -> bool:
        """Whether the job restores only a part of the clip."""
        return self.item is not None and self.item.request.frames is not None

    @property
    def clip_open(self) -> bool:
        """Whether the item's clip can be read and its frames are known."""
        return self.item is not None and self._preview.info is not None

    # -- what is edited -----------------------------------------------------------------------------------------

    def restore_part_only(self, part_only: bool) -> None:
        """Restore only the part from in to out, or the whole clip."""
        if self.item is None or self.item.state == "running":
            return
        self._preview.timeline.show_part_only(part_only)
        frames = self._preview.chosen_frames if part_only else None
        if frames != self.item.request.frames:
            self._queue.change(self.item.id, request=self.item.request.replace(frames=frames))

    def _on_range_changed(self) -> None:
        self.restore_part_only(self._preview.timeline.part_only)

    def change_settings(self, item_id: str, changes: dict[str, Any]) -> None:
        """Change some settings of a clip."""
        item = self._queue.item(item_id)
        if item:
            self._history.edit({item_id: item.request.replace(settings=item.request.settings.replace(**changes))})

    def _on_request_edited(self, request: JobRequest, for_next: bool) -> None:
        """Give the settings to all selected items that do not run; the output file only to the one that is shown.

        The next clips begin with a preset or model that was chosen ``for_next``, and not with whatever was tried on this one.
        """
        restore = request.settings if for_next or self.item is None else None
        requests = {}
        for item_id in self._queue_panel.selected_ids():
            item = self._queue.item(item_id)
            if item and item.state != "running":
                # several clips must not write to one file
                target = request.target if self.item and item.id == self.item.id else item.request.target
                requests[item_id] = item.request.replace(settings=request.settings, output=request.output, target=target)
        output = None
        if self.item is None or request.output != self.item.request.output:
            # leave to overwrite is given for one file, not for those to come
            output = request.output.replace(overwrite=False)
        self._history.edit(requests, restore, output)
        self.follow_settings()

    def _on_history_applied(self, ids: list[str]) -> None:
        """Show what was undone or redone."""
        if self.item is None and not ids:
            self.show_defaults()
        elif ids and not set(ids) & set(self._queue_panel.selected_ids()):
            self.select(ids[0])

    # -- what happens elsewhere ---------------------------------------------------------------------------------

    def _on_item_changed(self, item_id: str) -> None:
        if self.item and item_id == self.item.id:
            former, self.item = self.item, self._queue.item(item_id)
            if self.item and self.item.request != self._settings.request:
                self._show_settings(self.item)
            if self.item and self.item.facts != former.facts:
                self._settings.note_facts(self.item.facts)
            info = self._preview.info
            if self.item and info and info.is_sequence and seen_alike(self.item.request) != seen_alike(former.request):
                self._open(self.item)
            if self.item and self.item.state != former.state:
                self._show_settings(self.item)
                self._show_result()
        self.changed.emit()

    def _on_clip_opened(self, info: object) -> None:
        if self.item:
            self._queue.note_video(self.item.id, info)
            if self.item.request.frames:
                self._preview.timeline.set_chosen(*self.item.request.frames)
        self._show_result()
        self.follow_settings()
        self.changed.emit()

    def _on_clip_failed(self, message: str) -> None:
        log.warning("%s", message)
        self.changed.emit()

    def _on_frame_changed(self, frame: int) -> None:
        self.results.request(frame)
        if self.is_running:
            self._runner.look_at(frame)
        self._tiles.follow_frame()

    def _on_result_frame(self, frame: PreviewFrame) -> None:
        info = self._preview.info
        if info is not None:
            # a result may have another size than what comes out of the network, which is what the tiles are drawn on
            factor = frame.pixels.shape[0] / info.height
            self._preview.show_result(self._preview.running_variant, widened(frame, round(factor * info.width)), factor)


def widened(frame: PreviewFrame, width: int) -> PreviewFrame:
    """A frame of a given width: a result with square pixels gets those of its clip, as what it is compared with has them."""
    if abs(frame.pixels.shape[1] - width) <= 2:
        return frame
    return dataclasses.replace(frame, pixels=stretched(frame.pixels, (width, frame.pixels.shape[0])))
