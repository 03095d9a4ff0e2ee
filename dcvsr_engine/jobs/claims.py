"""Which unit a process takes next: the whole of what there is of scheduling. Torch-free."""

from collections.abc import Collection, Sequence

from dcvsr_engine.jobs.manifest import Unit


class TakingOrder:
    """In which order the units of a job are taken, by a process alone and by several.

    Args:
        units: all of a job, in order of their ids; only what never changes of them counts here.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        urgent = urgency(units)
        # alone: in the order of the frames, so that a finished part of the film is one piece
        self._alone = [unit.id for unit in sorted(units, key=place_of)]
        self._several = [unit.id for unit in sorted(units, key=lambda unit: (-urgent[unit.id], place_of(unit)))]

    def next_unit(self, units: Sequence[Unit], owner: str, others: Collection[str], but: Collection[int] = ()) -> int | None:
        """The id of the unit to take.

        A unit can be taken when all that it needs is finished, or is done before it by the same owner, and when nobody alive
        has it. One that another owner has taken ahead, while it is still at one before, is taken from it when nothing else is
        left.

        Args:
            units: all of the job, as they are now.
            owner: who asks.
            others: all others that are alive.
            but: ids of those that are too large for the owner.

        Returns:
            ``None`` when there is none now: the ones that are left wait for others, or are begun.
        """
        order = self._several if others else self._alone
        left = (units[index] for index in order if units[index].state != "finished" and index not in but)
        ready = (unit for unit in left if unit.owner != owner and has_needs(unit, units, owner))
        waiting: list[Unit] = []
        for unit in ready:
            if unit.owner not in others:
                return unit.id
            waiting.append(unit)
        busy = {unit.owner for unit in units if unit.state == "begun"}
        return next((unit.id for unit in waiting if unit.state == "open" and unit.owner in busy), None)


def has_needs(unit: Unit, units: Sequence[Unit], owner: str) -> bool:
    """Whether all that a unit needs is finished, or the same ``owner``'s."""
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
