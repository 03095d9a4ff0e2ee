"""Plans before a run: of the first clip in full, of the others for the sum, and of what would fit where that does not."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.shown_item import ShownItem
from app.engine.plan_dialog import PlanDialog
from app.engine.runner import EngineRun, JobRunner
from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.settings.specs import RESTORE_SPECS
from app.system.preferences import Preferences
from app.widgets.engine_words import engine_words
from app.widgets.formats import amount
from app.widgets.words import words
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.sizes import sizes_of
from dcvsr_engine.settings import SIZE_NAMES

Changes = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A plan to ask for.

    Attributes:
        item: id of the clip.
        first: whether it is the one that the dialog shows in full.
        changes: settings that are tried because the clip's own do not fit.
        group: which kind of change that is; of each kind the first that fits is offered.
        measure: whether to measure the device's speed.
    """

    item: str
    first: bool = False
    changes: Changes | None = None
    group: str = ""
    measure: bool = False


class Planning(QObject):
    """Asks the engine for one plan after the other and fills the dialog.

    Attributes:
        dialog: the estimate that is open.
    """

    def __init__(self, window: QWidget, runner: JobRunner, queue: QueueModel, shown: ShownItem, preferences: Preferences) -> None:
        super().__init__(window)
        self._window, self._runner, self._queue, self._shown, self._preferences = window, runner, queue, shown, preferences
        self.dialog: PlanDialog | None = None
        self._items: list[str] = []
        self._waiting: deque[Asked] = deque()
        self._asked: Asked | None = None
        self._sum = QueueSum()
        runner.planned.connect(self._on_planned)
        runner.failed.connect(self._on_failed)
        runner.died.connect(lambda *_: self._on_death())

    def open(self, items: Sequence[QueueItem], start: Callable[[], object]) -> None:
        """Plan clips and show the dialog; ``start`` is called when it is accepted. Nothing while the engine is busy."""
        if self._runner.current:
            return
        dialog = PlanDialog(items[0].request, len(items) - 1, self._preferences.plan_first, self._window)
        dialog.ask_again_changed.connect(self._on_ask_again)
        # before the start: the plan that is being made keeps the engine busy
        dialog.accepted.connect(self._stop)
        dialog.accepted.connect(start)
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        dialog.open()
        self._begin([item.id for item in items])

    def _begin(self, items: list[str]) -> None:
        self._items, self._sum = items, QueueSum()
        self._waiting = deque([Asked(items[0], first=True), *map(Asked, items[1:])])
        self._ask_next()

    def _ask_next(self) -> None:
        """Ask for the next plan; items that are gone are passed over."""
        self._asked = None
        while self._waiting and self._asked is None:
            asked = self._waiting.popleft()
            request = self._request(asked)
            if request is not None:
                self._asked = asked
                self._runner.plan(request, asked.measure)
        if self.dialog and self._sum.clips:
            self.dialog.show_searching(bool(self._asked and self._asked.changes))

    def _request(self, asked: Asked) -> JobRequest | None:
        item = self._queue.item(asked.item)
        if item is None or not asked.changes:
            return item.request if item else None
        try:
            return item.request.replace(settings=item.request.settings.replace(**asked.changes))
        except SettingsError:  # beyond what a setting may be
            return None

    # -- answers ------------------------------------------------------------------------------------------------

    def _on_planned(self, run: EngineRun, plan: Plan) -> None:
        if not run.plan_only or self.dialog is None or self._asked is None:
            return
        asked = self._asked
        if asked.first:
            self._take_first(run, plan, asked)
        elif asked.changes:
            self._take_change(plan, asked, asked.changes)
        else:
            self._sum.add(asked.item, plan)
        if plan.seconds is None and not asked.measure and not asked.changes and not plan.problems:
            # the plan is shown at once; measuring, for which the model is loaded, follows
            self._waiting.appendleft(Asked(asked.item, asked.first, measure=True))
        self.dialog.show_sum(self._sum.clips, len(self._items), self._sum.frames, self._sum.result_bytes, self._sum.seconds)
        self._ask_next()

    def _take_first(self, run: EngineRun, plan: Plan, asked: Asked) -> None:
        assert self.dialog
        self._shown.take_plan(run, plan)
        self.dialog.show_plan(plan, run.request, measuring=plan.seconds is None and not asked.measure and not plan.problems)
        self._sum.add(asked.item, plan)
        if not asked.measure:  # once
            self._suggest_reduction(plan, asked.item)
        if plan.problems:
            # before the other clips, in their own order
            self._waiting.extendleft(reversed([Asked(asked.item, False, changes, group) for group, changes in changes_for(plan)]))

    def _suggest_reduction(self, plan: Plan, item_id: str) -> None:
        """Offer to restore from a smaller picture, where the clip is soft."""
        factor = plan.suggested_reduction
        if factor is not None and not plan.problems and self.dialog:
            text = self.tr("Reduce the picture first, ÷{factor}: it has no more detail than that").format(factor=f"{factor:g}")
            self.dialog.offer(text, lambda: self._apply(item_id, {"reduce": f"{factor:g}"}), better=True)

    def _take_change(self, plan: Plan, asked: Asked, changes: Changes) -> None:
        """Offer a change that makes the clip fit, and drop larger ones of its kind."""
        if plan.problems or self.dialog is None:
            return
        self.dialog.offer(self._words(plan, changes), lambda: self._apply(asked.item, changes))
        # the smallest change of its kind that fits: larger ones need not be tried
        self._waiting = deque(other for other in self._waiting if other.group != asked.group)

    def _words(self, plan: Plan, changes: Changes) -> str:
        """What a change is, and what it costs."""
        texts = []
        if "size" in changes:
            pixels = f"{plan.output_size[0]}×{plan.output_size[1]}"
            name = words(RESTORE_SPECS["size"].choices[changes["size"]])
            texts.append(self.tr("Use {size}: the result has {pixels} pixels").format(size=name, pixels=pixels))
        if "tile" in changes:
            texts.append(self.tr("Smaller tiles: {tile}×{tile}, slower and with less context").format(tile=changes["tile"]))
        needed = max(plan.host_memory, plan.device_memory)
        return " · ".join([*texts, self.tr("needs {memory} of memory").format(memory=amount(needed))])

    def _apply(self, item_id: str, changes: Changes) -> None:
        """Change a clip's settings, and plan again."""
        if self.dialog:
            self._stop()
            self._shown.change_settings(item_id, changes)
            self.dialog.wait_again()
            self._begin(self._items)

    def _on_failed(self, run: EngineRun | None, message: str, _details: str) -> None:
        """A clip that cannot be planned is marked in the queue; the others can be started."""
        if run is None or not run.plan_only or self.dialog is None or self._asked is None:
            return
        asked = self._asked
        if not asked.changes:
            words = engine_words(message)
            self.dialog.show_failure(words if len(self._items) == 1 else f"{run.request.source.name}: {words}")
            self._items = [item for item in self._items if item != asked.item]
            self._queue.note_unreadable(asked.item, message)
            # the next clip is the first now, and is to be shown in full
            if asked.first and self._items:
                self.dialog.wait_again()
                self._begin(self._items)
                return
        self._ask_next()

    def _on_death(self) -> None:
        """Wait no longer for what an engine that is gone was asked."""
        if self.dialog is not None and self._asked is not None:
            self._stop()
            self.dialog.show_failure(self.tr("The engine has ended; cancel this, and try again."))

    # -- end ----------------------------------------------------------------------------------------------------

    def _on_ask_again(self, ask_again: bool) -> None:
        self._preferences.plan_first = ask_again

    def _stop(self) -> None:
        self._waiting.clear()
        self._asked = None
        self._runner.forget_plan()

    def _on_closed(self) -> None:
        self.dialog = None
        self._stop()


class QueueSum:
    """Frames and time of the clips that were planned."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def add(self, item: str, plan: Plan) -> None:
        """Count a clip's plan, in place of an earlier one."""
        self._plans[item] = plan

    @property
    def clips(self) -> int:
        """How many were counted."""
        return len(self._plans)

    @property
    def frames(self) -> int:
        """Frames of all."""
        return sum(plan.frames for plan in self._plans.values())

    @property
    def result_bytes(self) -> int:
        """Estimated size of all results."""
        return sum(plan.result_bytes or 0 for plan in self._plans.values())

    @property
    def seconds(self) -> float | None:
        """Time for all, ``None`` while one is not known."""
        known = [plan.seconds for plan in self._plans.values()]
        return None if None in known else sum(seconds for seconds in known if seconds is not None)


def changes_for(plan: Plan) -> list[tuple[str, Changes]]:
    """Settings that could make a plan fit, by kind, the smallest change of a kind first; segments are as short as they may be."""
    found: list[tuple[str, Changes]] = [("size", {"size": size}) for size in smaller_sizes(plan)]
    if plan.device_memory > plan.device_memory_available:
        found += [("tiles", {"tile": tile}) for tile in (48, 32) if tile < plan.settings.tile]
    return found


def smaller_sizes(plan: Plan) -> list[str]:
    """Sizes of the list that make a plan's result smaller, the largest first."""
    settings, pixels = plan.settings, {}
    for size in SIZE_NAMES:
        if size != "auto":
            tried = sizes_of(settings.replace(size=size), plan.input_size).output
            pixels[size] = tried[0] * tried[1]
    smaller = [size for size, count in pixels.items() if count < plan.output_size[0] * plan.output_size[1]]
    return sorted(smaller, key=pixels.__getitem__, reverse=True)
