"""The queue of jobs and its file. Without Qt."""

import dataclasses
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from app.system.result_rule import SourceFacts
from dcvsr_engine.errors import UserError
from dcvsr_engine.jobs.folders import has_work
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.storage import read_json, write_json

ItemState = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
PATHS = ("result", "finished", "folder", "below")
RESUMABLE: tuple[ItemState, ...] = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class QueueItem:
    """A job in the queue.

    Attributes:
        id: names it in messages to and from the engine.
        request: what to do; with a target of ``None`` the result is named when the job starts, beside its source.
        state: ``interrupted`` means that the program or the engine ended while it was running.
        message, details: why it failed.
        result: where the result goes or is, known from the first start on.
        finished: the last result that was completed, which a later run that fails does not touch.
        first_frame: the clip's frame that is the first of ``finished``.
        folder: job directory it can be resumed from.
        report: the run's facts once it is done.
        below: the folders between the one that was opened and the clip, which results may keep.
        size, seconds: (width, height) and duration of the source; ``None`` until they are known.
        losses, unfit: how the container of each suffix keeps the source's tracks, see `video.tracks.ContainerFit`.
        progress: share that is done while it runs, 0 … 1; not saved.
    """

    request: JobRequest
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: ItemState = "waiting"
    message: str = ""
    details: str = ""
    result: Path | None = None
    finished: Path | None = None
    first_frame: int = 0
    folder: Path | None = None
    report: dict[str, Any] = field(default_factory=dict)
    below: Path | None = None
    size: tuple[int, int] | None = None
    seconds: float | None = None
    losses: dict[str, int] = field(default_factory=dict)
    unfit: dict[str, list[str]] = field(default_factory=dict)
    progress: float = 0.0

    @property
    def can_resume(self) -> bool:
        """Whether finished work exists to resume from."""
        return self.state in RESUMABLE and self.folder is not None and has_work(self.folder)

    @property
    def facts(self) -> SourceFacts:
        """What the name of the result depends on."""
        return SourceFacts(self.size or (1, 1), self.below or Path(), self.losses, self.unfit)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "progress"}
        paths = {name: None if values[name] is None else str(values[name]) for name in PATHS}
        return values | paths | {"request": self.request.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; raises `UserError`, `TypeError`, `KeyError` or `AttributeError` on other input."""
        # absent in queues of earlier versions
        paths = {name: None if values.get(name) is None else Path(values[name]) for name in PATHS}
        size = None if values.get("size") is None else (int(values["size"][0]), int(values["size"][1]))
        return cls(**values | paths | {"request": JobRequest.from_dict(values["request"]), "size": size})


class JobQueue:
    """Jobs in the order in which they run."""

    def __init__(self, items: Iterable[QueueItem] = ()) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[QueueItem]:
        return iter(self._items)

    def __getitem__(self, row: int) -> QueueItem:
        return self._items[row]

    def row(self, item_id: str) -> int:
        """The position of an item; raises `KeyError` when it is not in the queue."""
        for row, item in enumerate(self._items):
            if item.id == item_id:
                return row
        raise KeyError(item_id)

    def __contains__(self, item_id: str) -> bool:
        return any(item.id == item_id for item in self._items)

    def insert(self, row: int, item: QueueItem) -> None:
        """Put an item in at a position."""
        self._items.insert(row, item)

    def remove(self, row: int) -> None:
        """Take an item out."""
        del self._items[row]

    def move(self, row: int, to: int) -> None:
        """Take an item out and put it in again so that it ends up at position ``to``."""
        self._items.insert(to, self._items.pop(row))

    def change(self, row: int, **changes: Any) -> QueueItem:
        """Replace fields of an item; returns the new one."""
        self._items[row] = dataclasses.replace(self._items[row], **changes)
        return self._items[row]

    def first(self, *states: ItemState) -> QueueItem | None:
        """The first item in one of the states."""
        return next((item for item in self._items if item.state in states), None)

    def save(self, path: Path) -> None:
        """Write the queue; raises `OSError`."""
        write_json(path, [item.to_dict() for item in self._items])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved queue; what was running then is ``interrupted`` now.

        Raises:
            OSError: the file exists and cannot be read.
            ValueError: it is damaged.
        """
        if not path.exists():
            return cls()
        try:
            items = [QueueItem.from_dict(values) for values in read_json(path)]
        except (UserError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} is not a queue: {error}") from None
        return cls(dataclasses.replace(item, state="interrupted") if item.state == "running" else item for item in items)
