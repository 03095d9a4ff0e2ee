"""How this machine's processor computes a model fastest: number format and threads. Measured once, remembered."""

import functools
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dcvsr_engine import __version__
from dcvsr_engine.diffusion.lanes import LARGE_NETWORK
from dcvsr_engine.network.device import resolve_device, resolve_precision
from dcvsr_engine.paths import data_folder
from dcvsr_engine.settings import Device, Precision, RestoreSettings
from dcvsr_engine.storage import remembered, write_json
from dcvsr_engine.tiling.grid import TileGrid

if TYPE_CHECKING:
    from dcvsr_engine.network.checkpoint import Model

LADDER_SECONDS = 10.0
"""No rung is begun after so long, but for one: the next large job goes on from there."""
LADDER_TILE = 32
"""Side in latents of the tiles that are timed, at most."""
GAIN = 1.1
"""A rung that is not so many times as fast is within what timings differ by."""
TURNS = 2
"""So often a rung is timed, beside the best."""

ModelOf = Callable[[Precision], "Model"]


@dataclass(frozen=True)
class Way:
    """A way to compute.

    Attributes:
        precision: number format.
        threads: of the processor, each of which evaluates a tile (`diffusion.lanes`).
    """

    precision: Precision
    threads: int


@dataclass(frozen=True)
class Climb:
    """How far up the ladder it has been measured.

    Attributes:
        way: the fastest so far.
        rungs: tried beside the first way.
    """

    way: Way
    rungs: int = 0

    @property
    def ended(self) -> bool:
        """Whether no rung is left."""
        return self.rungs >= len(all_rungs())


def ways_file() -> Path:
    """Where the fastest ways are remembered, by `way_key`."""
    return data_folder() / "ways.json"


@functools.cache
def most_threads() -> int:
    """Threads that PyTorch takes by itself, or was told to take from outside, before anything here changes that."""
    return torch.get_num_threads()


def way_key(model: str) -> str:
    """What decides which way is fastest: the machine, what it may use, the versions of what computes, the model."""
    machine = f"{platform.node()}|{os.cpu_count()} processors, {most_threads()} threads"
    return f"{machine}|PyTorch {torch.__version__}|{__version__}|{model}"


def known_climb(model: str) -> Climb | None:
    """What was measured for a model on this machine; ``None`` where nothing was."""
    held: Any = remembered(ways_file()).get(way_key(model))
    try:
        climb = Climb(Way(**held["way"]), held["rungs"])
    except (TypeError, KeyError, IndexError):  # nothing, or damaged
        return None
    numbers = (climb.way.threads, climb.rungs + 1 if isinstance(climb.rungs, int) else 0)
    usable = climb.way.precision in ("fp32", "bf16") and all(isinstance(n, int) and 0 < n <= 4096 for n in numbers)
    return climb if usable else None


def known_way(model: str) -> Way | None:
    """The fastest way that was measured for a model on this machine; ``None`` where none was."""
    climb = known_climb(model)
    return None if climb is None else climb.way


def remember_climb(model: str, climb: Climb) -> None:
    """Remember what was measured for a model."""
    with suppress(OSError):  # a full or read-only disk costs some seconds, not a job
        ways_file().parent.mkdir(parents=True, exist_ok=True)
        write_json(ways_file(), remembered(ways_file()) | {way_key(model): asdict(climb)})


def precision_for(settings: RestoreSettings, device: Device) -> Precision:
    """The number format that a job computes in: what was asked for, the measured one, or the device's own."""
    way = known_way(settings.model) if device == "cpu" and settings.precision == "auto" else None
    return resolve_precision(settings.precision, device) if way is None else way.precision


def threads_for(model: str) -> int:
    """The processor's threads that a job computes on."""
    way = known_way(model)
    return most_threads() if way is None else way.threads


def settle_way(settings: RestoreSettings, model_of: ModelOf, worthwhile: bool) -> None:
    """Compute on as many threads as is fastest from here on, where the processor computes.

    Args:
        settings: of the job.
        model_of: loads its model in a number format.
        worthwhile: whether the fastest way is to be measured and remembered where it is not known.
    """
    if resolve_device(settings.device) != "cpu":
        return
    climb = known_climb(settings.model)
    if worthwhile and settings.precision == "auto" and (climb is None or not climb.ended):
        climb = climbed(model_of, climb or Climb(first_way()))
        if climb is not None:
            remember_climb(settings.model, climb)
    torch.set_num_threads(threads_for(settings.model))


# -- measuring --------------------------------------------------------------------------------------------------


def first_way() -> Way:
    """How the processor computes where nothing was measured."""
    return Way(resolve_precision("auto", "cpu"), most_threads())


def all_rungs() -> list[dict[str, Any]]:
    """The ladder: what to change of the best way so far.

    Another number format first, unless the processor emulates it: slower than fp32, and loses digits for nothing. Then half of
    the threads, as two may share a core.
    """
    first = first_way()
    formats = [{"precision": "fp32"}] if first.precision == "bf16" else []
    return [*formats, *([{"threads": first.threads // 2}] if first.threads > 1 else [])]


def climbed(model_of: ModelOf, climb: Climb, clock: Callable[[], float] = time.monotonic) -> Climb | None:
    """Go on with the ladder, by one rung at least; one must be `GAIN` times as fast as the best, in every turn, to be taken.

    Args:
        model_of: loads the model in a number format.
        climb: how far it was measured before.
        clock: in seconds.

    Returns:
        How far it is measured now; ``None`` for networks of which no tile can be timed so soon.
    """
    began, best, rungs = clock(), climb.way, climb.rungs
    model = model_of(best.precision)
    if sum(weight.numel() for weight in model.unet.parameters()) >= LARGE_NETWORK:
        return None
    for change in all_rungs()[climb.rungs :]:
        if rungs > climb.rungs and clock() - began >= LADDER_SECONDS:
            break
        way, rungs = replace(best, **change), rungs + 1
        other = model if way.precision == best.precision else model_of(way.precision)
        # both anew, in turns: what else the machine does slows either
        turns = [(seconds_per_tile(model, best, clock), seconds_per_tile(other, way, clock)) for _ in range(TURNS)]
        if all(taken * GAIN < held for held, taken in turns):
            model, best = other, way
    return Climb(best, rungs)


@torch.no_grad()
def seconds_per_tile(model: "Model", way: Way, clock: Callable[[], float]) -> float:
    """Seconds of a tile while each thread evaluates one, the faster of two times; infinite where memory does not suffice."""
    # networks are there by now; whoever only plans needs none
    from dcvsr_engine.diffusion.denoiser import Denoiser
    from dcvsr_engine.network.oom import attempt

    declaration, stage = model.declaration, model.first_stage
    side = min(declaration.tile, LADDER_TILE)
    tile = TileGrid.build(declaration.window, side, side, side, declaration.window).tile(0, 0)
    x, condition = (
        torch.zeros(1, declaration.window, channels, side, side) for channels in (stage.latent_channels, stage.condition_channels)
    )
    torch.set_num_threads(way.threads)
    denoiser = Denoiser(model)
    work = partial(denoiser.guided, x, declaration.sigma_max, condition, [tile], "none", 1.0, 0.0)

    def evaluate() -> float:
        began = clock()
        denoiser.network.side_by_side([work] * way.threads)
        return (clock() - began) / way.threads

    taken = attempt(lambda: min(evaluate() for _ in range(2)))
    return float("inf") if taken is None else taken
