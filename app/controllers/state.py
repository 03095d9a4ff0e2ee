"""What the window is doing: the facts that decide which actions are available."""

from dataclasses import dataclass
from pathlib import Path

from app.controllers.devices import Devices
from app.controllers.history import History
from app.controllers.runs import Runs
from app.controllers.shown_item import ShownItem
from app.controllers.unattended import Unattended
from app.engine.runner import Activity, JobRunner
from app.preview.panel import PreviewPanel
from app.preview.stills import StillKind
from app.queue.job_queue import ItemState, QueueItem
from app.queue.model import QueueModel
from app.queue.panel import QueuePanel
from app.system.crash_report import CrashReport
from app.system.power import Afterward
from app.system.preferences import Preferences
from app.widgets.appearance import Appearance


@dataclass(frozen=True)
class WindowState:
    """A snapshot of the window.

    Attributes:
        activity: what the engine is busy with.
        clip_open: whether a clip is shown whose frames are known.
        visible_only: whether previews take only the visible part of the picture.
        part_only: whether only the part from in to out of the shown item is to be restored.
        stills: pictures that can be kept of the frame that is seen.
        has_pair: whether the shown item has a result to be compared with its clip.
        waiting: whether an item waits in the queue.
        selected: the selected items.
        row, rows: position of the first selected item in the queue, and the queue's length.
        undo_text, redo_text: what can be undone and redone; empty for nothing.
        crashed: whether the last run left a crash report.
        appearance, language, afterward: the user's choices.
        watched: the name of the folder that is watched; empty for none.
        full_screen: whether the preview is alone on the screen.
        farm: address of the farm that this computer is in; empty for none.
        on_farm: whether clips are restored there.
        start_at: the time at which the queue starts by itself, as text; empty for none.
    """

    activity: Activity = Activity.IDLE
    clip_open: bool = False
    visible_only: bool = False
    part_only: bool = False
    stills: frozenset[StillKind] = frozenset()
    has_pair: bool = False
    waiting: bool = False
    selected: tuple[QueueItem, ...] = ()
    row: int = 0
    rows: int = 0
    undo_text: str = ""
    redo_text: str = ""
    crashed: bool = False
    appearance: Appearance = "system"
    language: str = ""
    afterward: Afterward = "nothing"
    start_at: str = ""
    watched: str = ""
    full_screen: bool = False
    farm: str = ""
    on_farm: bool = False

    @property
    def idle(self) -> bool:
        """Whether the engine is free."""
        return self.activity == Activity.IDLE

    @property
    def busy(self) -> bool:
        """Whether a job runs or is paused."""
        return self.activity in (Activity.RUNNING, Activity.PAUSING, Activity.PAUSED)

    @property
    def paused(self) -> bool:
        """Whether a job is paused, or about to be."""
        return self.activity in (Activity.PAUSING, Activity.PAUSED)

    @property
    def can_preview(self) -> bool:
        """Whether a job could start with the shown clip."""
        return self.idle and self.clip_open

    @property
    def only(self) -> QueueItem | None:
        """The selected item when it is the only one."""
        return self.selected[0] if len(self.selected) == 1 else None

    @property
    def only_state(self) -> ItemState | None:
        """The state of the only selected item."""
        return self.only.state if self.only else None

    @property
    def has_result(self) -> bool:
        """Whether the only selected item was finished, now or before."""
        return bool(self.only and self.only.finished)

    @property
    def is_last(self) -> bool:
        """Whether the first selected item is the last of the queue."""
        return self.row >= self.rows - 1

    @property
    def can_resume(self) -> bool:
        """Whether a selected item has finished work to resume from."""
        return any(item.can_resume for item in self.selected)

    @property
    def can_run_again(self) -> bool:
        """Whether a selected item has ended."""
        return any(item.state not in ("waiting", "running") for item in self.selected)

    @property
    def can_remove(self) -> bool:
        """Whether a selected item does not run."""
        return any(item.state != "running" for item in self.selected)


def window_state(
    runner: JobRunner,
    runs: Runs,
    shown: ShownItem,
    preview: PreviewPanel,
    queue: QueueModel,
    panel: QueuePanel,
    history: History,
    crash: CrashReport,
    preferences: Preferences,
    unattended: Unattended,
    watched: Path | None,
    full_screen: bool,
    devices: Devices,
) -> WindowState:
    """The state of a window now."""
    return WindowState(
        activity=runner.activity,
        clip_open=shown.clip_open,
        visible_only=runs.visible_only,
        part_only=shown.is_part,
        stills=preview.stills,
        has_pair=shown.clip_open and shown.item is not None and shown.item.finished is not None,
        waiting=queue.queue.first("waiting") is not None,
        selected=panel.selected_items(),
        row=panel.current_row(),
        rows=len(queue.queue),
        undo_text=history.undo_text,
        redo_text=history.redo_text,
        crashed=bool(crash.last),
        appearance=preferences.appearance,
        language=preferences.language,
        afterward=preferences.afterward,
        start_at=f"{unattended.start_at:%H:%M}" if unattended.start_at else "",
        watched=watched.name if watched else "",
        full_screen=full_screen,
        farm=devices.farm or devices.link.view.address,
        on_farm=bool(devices.farm),
    )
