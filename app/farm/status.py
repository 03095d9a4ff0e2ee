"""What a farm's workers are and do, as “dcvsr farm status --json” says it. Without Qt."""

from collections.abc import Iterable, Mapping
from typing import Literal

from dcvsr_engine.events import Phase
from dcvsr_engine.schema import FromJson, Schema


class FarmRow(Schema):
    """A device of a farm.

    Attributes:
        host, address: name and address of its computer.
        device: its name.
        memory: bytes, 0 where it is not known.
        versions: of what must be the same on all computers.
        state: ``silent`` when the worker of a job does not answer.
        job: name of the clip that it works on.
        target: where the result of that goes.
        phase: what it does for it; it ``waits`` when others are at all that is left.
        unit, units: number of the segment, 1-based, and how many the clip has.
        done, total: frames or tiles of the phase.
    """

    host: str
    address: str
    device: str
    memory: int
    versions: dict[str, str]
    state: Literal["idle", "works", "silent"]
    job: str | None = None
    target: str | None = None
    phase: Phase | Literal["waits"] | None = None
    unit: int | None = None
    units: int | None = None
    done: int | None = None
    total: int | None = None


class FarmStatus(Schema):
    """All devices of the farm at an address, in the order of computers."""

    address: str
    workers: FromJson[tuple[FarmRow, ...]]


def other_versions(rows: Iterable[FarmRow], here: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """What the first computer that has other versions than this one has, by name: there and here."""
    for row in rows:
        pairs = {name: (row.versions.get(name, "–"), version) for name, version in here.items()}
        if different := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
            return different
    return {}
