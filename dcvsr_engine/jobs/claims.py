"""Which unit a process takes next: the whole of what there is of scheduling. Torch-free."""

from collections.abc import Sequence, Set

from dcvsr_engine.jobs.manifest import Unit


def next_unit(units: Sequence[Unit], owner: str, others: Set[str]) -> int | None:
    """The id of the unit to take.

    A unit can be taken when all that it needs is finished, or is done before it by the same owner, and when nobody alive has
    it. One that another owner has taken ahead, while it is still at one before, is taken from it when nothing else is left.

    Args:
        units: all of a job.
        owner: who asks.
        others: all others that are alive.

    Returns:
        ``None`` when there is none now: the ones that are left wait for others, or are begun.
    """
    ready = [unit for unit in units if is_ready(unit, units, owner)]
    free = [unit for unit in ready if unit.owner not in others]
    busy = {unit.owner for unit in units if unit.state == "begun"}
    ahead = [unit for unit in ready if unit.state == "open" and unit.owner in busy & others]
    urgent = urgency(units) if others else {}
    # alone: in the order of the frames
    best = min(free or ahead, key=lambda unit: (-urgent.get(unit.id, 0), place_of(unit)), default=None)
    return None if best is None else best.id


def is_ready(unit: Unit, units: Sequence[Unit], owner: str) -> bool:
    """Whether a unit is still to be taken by ``owner``, as far as those that it needs are concerned."""
    if unit.state == "finished" or unit.owner == owner:
        return False
    return all(units[need].state == "finished" or units[need].owner == owner for need in unit.needs)


def place_of(unit: Unit) -> float:
    """Where a unit comes in the order of the frames, but after those that it needs."""
    return max((unit.id, *(need + 0.5 for need in unit.needs)))


def urgency(units: Sequence[Unit]) -> dict[int, int]:
    """By id, how many frames a unit and the longest row of those that wait for it have: the longest must not come last."""
    found: dict[int, int] = {}
    for unit in sorted(units, key=place_of, reverse=True):
        own = found.get(unit.id, 0) + unit.last - unit.first + 1
        found[unit.id] = own
        found |= {need: max(found.get(need, 0), own) for need in unit.needs}
    return found
