"""What can be undone: edits of settings, and removals from the queue."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.queue.job_queue import QueueItem
from app.queue.model import QueueModel
from app.settings.specs import OUTPUT_SPECS, RESTORE_SPECS
from app.system.preferences import Preferences
from app.widgets.formats import shortened
from app.widgets.words import words
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings

MOST_COMMANDS = 200
MERGE_SECONDS = 1.0
"""Edits of one setting that follow each other so soon are one: a slider that is dragged, an arrow that is held."""
EDIT_ID = 1


@dataclass(frozen=True)
class Edited:
    """Settings at one time.

    Attributes:
        requests: of the clips that an edit changes, by id; settings, output and target count.
        restore, output: what the next clips start with.
    """

    requests: Mapping[str, JobRequest]
    restore: RestoreSettings
    output: OutputSettings

    def names_changed_in(self, after: "Edited") -> frozenset[str]:
        """Names of the settings that another time has otherwise; ``target`` is the output file."""
        pairs = [(request, after.requests[item_id]) for item_id, request in self.requests.items()]
        parts = [(one.settings, other.settings) for one, other in pairs] or [(self.restore, after.restore)]
        files = [(one.output, other.output) for one, other in pairs] or [(self.output, after.output)]
        found = {name for one, other in (*parts, *files) for name, value in one if value != getattr(other, name)}
        return frozenset(found | {"target" for one, other in pairs if one.target != other.target})


class SettingsEdit(QUndoCommand):
    """An edit of settings.

    Attributes:
        before, after: the settings.
        names: of what was edited.
        at: when, in seconds of a steady clock.
        ids: of the items that it changes.
    """

    def __init__(self, text: str, before: Edited, after: Edited, at: float, apply: Callable[[Edited, Edited], None]) -> None:
        super().__init__(text)
        self.before, self.after, self.at, self._apply = before, after, at, apply
        self.names, self.ids = before.names_changed_in(after), tuple(before.requests)

    def id(self) -> int:
        """Edits may be merged."""
        return EDIT_ID

    def redo(self) -> None:
        """Edit."""
        self._apply(self.before, self.after)

    def undo(self) -> None:
        """Take it back."""
        self._apply(self.after, self.before)

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take in a later edit of the same setting; nothing is left where it leads back."""
        assert isinstance(other, SettingsEdit)
        if (self.names, self.ids) != (other.names, other.ids) or other.at - self.at > MERGE_SECONDS:
            return False
        self.after, self.at = other.after, other.at
        self.setObsolete(self.before == self.after)
        return True


class Removal(QUndoCommand):
    """Items that are taken out of the queue, and put back as they were.

    Attributes:
        ids: of the items.
    """

    def __init__(self, text: str, queue: QueueModel, ids: Iterable[str]) -> None:
        super().__init__(text)
        self._queue, self.ids = queue, tuple(ids)
        self._removed: list[tuple[int, QueueItem]] = []

    def redo(self) -> None:
        """Take them out; what they are like now is kept."""
        self._removed = [self._queue.remove(item_id) for item_id in self.ids if self._queue.item(item_id)]

    def undo(self) -> None:
        """Put them back in their places."""
        for row, item in reversed(self._removed):
            self._queue.insert(row, item)


class History(QObject):
    """Everything that can be undone, in order.

    Attributes:
        changed: something else can be undone or redone.
        applied: something was undone or redone; the ids of the items that it has changed.
        refused: the sentence that says why it was not.
    """

    changed = Signal()
    applied = Signal(list)
    refused = Signal(str)

    def __init__(
        self, queue: QueueModel, preferences: Preferences, parent: QObject, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._queue, self._preferences, self._now = queue, preferences, now
        self._stack = QUndoStack(self)
        self._stack.setUndoLimit(MOST_COMMANDS)
        self._stack.indexChanged.connect(self.changed)

    @property
    def undo_text(self) -> str:
        """What is undone next; empty for nothing."""
        return self._stack.undoText()

    @property
    def redo_text(self) -> str:
        """What is redone next; empty for nothing."""
        return self._stack.redoText()

    # -- what is done -------------------------------------------------------------------------------------------

    def edit(
        self,
        requests: Mapping[str, JobRequest],
        restore: RestoreSettings | None = None,
        output: OutputSettings | None = None,
    ) -> None:
        """Give clips, by their ids, other settings, and the next clips too where these are given."""
        known, next_clips = self._preferences, (self._preferences.restore, self._preferences.output)
        before = Edited({item_id: item.request for item_id in requests if (item := self._queue.item(item_id))}, *next_clips)
        after = Edited(requests, restore or known.restore, output or known.output)
        if before != after:
            text = self._name(before.names_changed_in(after))
            self._stack.push(SettingsEdit(text, before, after, self._now(), self._apply))

    def remove(self, ids: Iterable[str]) -> None:
        """Take items out of the queue, except one that runs."""
        items = [item for item_id in ids if (item := self._queue.item(item_id)) and item.state != "running"]
        if len(items) == 1:
            text = self.tr("removing {name}").format(name=shortened(items[0].request.source.name, 40))
        else:
            text = self.tr("removing {count} clips").format(count=len(items))
        if items:
            self._stack.push(Removal(text, self._queue, [item.id for item in items]))

    def _name(self, names: frozenset[str]) -> str:
        """What was edited, in words: a guidance brings its scale along."""
        only = names - {"guidance_scale"} if "guidance" in names else names
        specs = RESTORE_SPECS | OUTPUT_SPECS
        if len(only) == 1 and (name := next(iter(only))) in specs:
            return words(specs[name].label)
        return {frozenset({"target"}): self.tr("output file"), frozenset({"model"}): self.tr("model")}.get(
            only, self.tr("settings")
        )

    def _apply(self, now: Edited, wanted: Edited) -> None:
        for item_id, request in wanted.requests.items():
            item = self._queue.item(item_id)
            if item:
                parts = {"settings": request.settings, "output": request.output, "target": request.target}
                self._queue.change(item_id, request=item.request.replace(**parts))
        # others may have chosen what the next clips start with, if this edit did not
        if now.restore != wanted.restore:
            self._preferences.restore = wanted.restore
        if now.output != wanted.output:
            self._preferences.output = wanted.output

    # -- there and back -----------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back what was done last."""
        if self._stack.canUndo():
            self._step(self._stack.command(self._stack.index() - 1), self._stack.undo)

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._stack.canRedo():
            self._step(self._stack.command(self._stack.index()), self._stack.redo)

    def _step(self, command: QUndoCommand, step: Callable[[], None]) -> None:
        """Nothing is changed of a clip that is being restored."""
        assert isinstance(command, SettingsEdit | Removal)
        items = [item for item_id in command.ids if (item := self._queue.item(item_id))]
        running = next((item.request.source.name for item in items if item.state == "running"), None)
        if running is not None:
            text = self.tr("“{name}” is being restored; this can be undone or redone when it is done.")
            self.refused.emit(text.format(name=running))
            return
        step()
        self.applied.emit([item_id for item_id in command.ids if self._queue.item(item_id)])
