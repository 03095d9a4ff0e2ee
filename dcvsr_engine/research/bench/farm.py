"""A simulation of a film on a farm: the units of a real plan, in the order in which processes really take them.

What is simulated is time: of computing, of the network that all share, of the lock of the job folder, of devices that fail. What
decides who does what is `jobs.claims`, as in a job. Each device takes one unit ahead, whose frames it reads
while it computes. Torch-free.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dcvsr_engine.jobs.claims import TakingOrder, has_needs
from dcvsr_engine.jobs.manifest import Unit, units_of
from dcvsr_engine.jobs.presence import STALE_SECONDS
from dcvsr_engine.planning.plan import Plan

RESTART_SECONDS = 300.0
"""From the failure of a device until it takes units again."""
FOLDER_SECONDS = 4e-5
"""A taking, beginning or finishing holds the job folder so long, times the units of the job: measured with 3600 of them."""


@dataclass(frozen=True)
class UnitLoad:
    """What a unit takes.

    Attributes:
        seconds: of computing, on a device of speed 1.
        read, written: bytes that move between the storage and the device.
    """

    seconds: float
    read: float
    written: float


@dataclass(frozen=True)
class FarmConditions:
    """What a farm is like.

    Attributes:
        failures: of a device per hour of its computing.
        rate: bytes per second that all devices together move.
        alone: seconds of what one process does while all wait: looking for cuts, publishing.
        steps: after each of which a unit's state is kept.
        seed: of when devices fail.
    """

    failures: float = 0.0
    rate: float = math.inf
    alone: float = 0.0
    steps: int = 1
    seed: int = 0


@dataclass(frozen=True)
class FarmFigures:
    """How a job went on a farm.

    Attributes:
        speeds: of its devices.
        makespan: seconds from the beginning to the end.
        efficiency: share of the makespan that the same devices would have taken had none ever waited, failed or done work twice.
        idle: share of the devices' time in which they did not compute.
        moved: bytes.
        failed: how often a device failed.
    """

    speeds: tuple[float, ...]
    makespan: float
    efficiency: float
    idle: float
    moved: float
    failed: int


class SharedResource:
    """What serves one at a time, in the order of asking: a network, a lock."""

    def __init__(self) -> None:
        self._free = 0.0

    def served(self, now: float, seconds: float) -> float:
        """When somebody who asks now for so many ``seconds`` is done."""
        self._free = max(now, self._free) + seconds
        return self._free


class SimulatedFarm:
    """One job on some devices.

    Args:
        units: of the job.
        loads: what each takes.
        speeds: of the devices; 1 for one that takes `UnitLoad.seconds`.
        conditions: of the farm.

    Attributes:
        units: as the manifest of the job has them.
        alive: names of the processes that are seen.
        left: by unit, the share of it that is still to be computed: a state is kept after each step.
        there: by unit, when its frames have been read.
        failures: times at which devices failed.
    """

    def __init__(
        self, units: Sequence[Unit], loads: Sequence[UnitLoad], speeds: Sequence[float], conditions: FarmConditions
    ) -> None:
        self.units, self.loads, self.conditions = list(units), loads, conditions
        self.left, self.there = [1.0] * len(units), [0.0] * len(units)
        self.alive: set[str] = set()
        self.failures: list[float] = []
        self.chance = random.Random(conditions.seed)
        self._order = TakingOrder(units)
        self._idle: list[SimulatedDevice] = []
        self._network, self._folder = SharedResource(), SharedResource()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()
        self._moved, self._unfinished = 0.0, len(units)
        self._devices = [SimulatedDevice(self, speed) for speed in speeds]

    def run(self) -> FarmFigures:
        """Carry out the job."""
        now = self.conditions.alone
        for device in self._devices:
            device.join(now)
        while self._unfinished:
            now, _, happen = heapq.heappop(self._events)
            happen(now)
        speeds = tuple(device.speed for device in self._devices)
        ideal = sum(load.seconds for load in self.loads) / sum(speeds)
        idle = 1 - sum(device.busy for device in self._devices) / (now * len(speeds))
        return FarmFigures(speeds, now, ideal / now, idle, self._moved, len(self.failures))

    def at(self, time: float, happen: Callable[[float], None]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._events, (time, next(self._numbers), happen))

    def new_name(self) -> str:
        """The name of a process that begins."""
        name = f"{next(self._numbers):08x}"
        self.alive.add(name)
        return name

    # -- the job folder, as `jobs.store.JobStore` ---------------------------------------------------------------------

    def take(self, name: str, now: float) -> int | None:
        """Take the next unit for a process, and begin to read its frames; ``None`` where there is none now."""
        index = self._order.next_unit(self.units, name, self.alive - {name})
        if index is not None:
            self._change(index, "open", name)
            self.there[index] = self._move(self._hold_folder(now), self.loads[index].read)
        return index

    def begin(self, name: str, index: int, now: float) -> bool:
        """Begin a unit that was taken; ``False`` when it, or one that it needs, is another's now."""
        own = self.units[index].owner == name
        if own and has_needs(self.units[index], self.units, name):
            self._change(index, "begun", name)
            self.there[index] = max(self.there[index], self._hold_folder(now))
            return True
        if own:
            self._change(index, "open", None)
        return False

    def deliver(self, name: str, index: int, now: float) -> None:
        """Bring the file of a unit that was computed into the folder."""
        written = self._move(self._hold_folder(now), self.loads[index].written)
        self.at(written, lambda then: self._finish(name, index, then))

    def _finish(self, name: str, index: int, now: float) -> None:
        if self.units[index].owner == name:  # else it was taken over meanwhile
            self._change(index, "finished", None)
            self._unfinished -= 1
            self.wake(now)

    def wait(self, device: "SimulatedDevice") -> None:
        """Let a device ask again when something has changed."""
        self._idle.append(device)

    def wake(self, now: float) -> None:
        """Let devices that wait ask again, until one of them gets nothing: they all would get the same."""
        while self._idle:
            device = self._idle.pop(0)
            device.go_on(now)
            if device in self._idle:
                break

    def _change(self, index: int, state: str, owner: str | None) -> None:
        self.units[index] = self.units[index].replace(state=state, owner=owner)

    def _hold_folder(self, now: float) -> float:
        return self._folder.served(now, FOLDER_SECONDS * len(self.units))

    def _move(self, now: float, size: float) -> float:
        self._moved += size
        return self._network.served(now, size / self.conditions.rate)


class SimulatedDevice:
    """A device that works as `jobs.job.restore_units` does.

    Attributes:
        speed: see `SimulatedFarm`.
        busy: seconds for which it has computed.
    """

    def __init__(self, farm: SimulatedFarm, speed: float) -> None:
        self.speed, self.busy = speed, 0.0
        self._farm, self._name = farm, ""
        self._ahead: int | None = None

    def join(self, now: float) -> None:
        """Begin, or begin again after a failure, as a process of its own name."""
        self._name, self._ahead = self._farm.new_name(), None
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Begin the unit that was taken ahead, or else another; wait where there is none."""
        index = self._ahead
        if index is None or not self._farm.begin(self._name, index, now):
            index = self._farm.take(self._name, now)
            while index is not None and not self._farm.begin(self._name, index, now):
                index = self._farm.take(self._name, now)
        if index is None:
            self._ahead = None
            self._farm.wait(self)
            return
        self._ahead = self._farm.take(self._name, now)
        self._compute(index, max(now, self._farm.there[index]))

    def _compute(self, index: int, began: float) -> None:
        """Compute a unit, unless a failure comes before its end."""
        farm = self._farm
        whole = farm.loads[index].seconds / self.speed
        took = whole * farm.left[index]
        rate = farm.conditions.failures / 3600
        lasts = farm.chance.expovariate(rate) if rate else math.inf
        self.busy += min(took, lasts)
        if lasts < took:
            farm.at(began + lasts, lambda now: self._fail(index, lasts / whole, now))
        else:
            farm.at(began + took, lambda now: self._complete(index, now))

    def _complete(self, index: int, now: float) -> None:
        self._farm.deliver(self._name, index, now)
        self.go_on(now)

    def _fail(self, index: int, share: float, now: float) -> None:
        """Fail when so large a share of a unit was computed: its steps that were finished are kept."""
        farm, name, steps = self._farm, self._name, self._farm.conditions.steps
        farm.failures.append(now)
        reached = 1 - farm.left[index] + share
        farm.left[index] = 1 - math.floor(reached * steps) / steps

        def be_missed(then: float) -> None:
            farm.alive.discard(name)
            farm.wake(then)

        farm.at(now + STALE_SECONDS, be_missed)
        farm.at(now + RESTART_SECONDS, self.join)


def simulate_farms(
    plan: Plan, loads: Sequence[UnitLoad], farms: Sequence[Sequence[float]], conditions: FarmConditions
) -> list[FarmFigures]:
    """Simulate a plan on several farms, each given by the speeds of its devices."""
    units = units_of(plan.segments)
    conditions = replace(conditions, steps=plan.settings.steps)
    return [SimulatedFarm(units, loads, speeds, conditions).run() for speeds in farms]
