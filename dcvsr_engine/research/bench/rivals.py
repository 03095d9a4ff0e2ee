"""What the built-in model costs beside others, as ratios of times taken in one run.

The straightforward loop is what one writes with diffusers alone: one tile and one branch at a time, its own attention, two passes
in SAP steps. It hands no keys on, so the true one would take longer. The peer is Real-ESRGAN's animevideov3 on ncnn, on the same
cores; a clip's time begins when torch and this program are imported; loading the model, reading and writing are in it.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.edm import euler_step, precondition
from dcvsr_engine.diffusion.sampler import InBatches, sample
from dcvsr_engine.diffusion.schedule import Step, evaluations, steps_of
from dcvsr_engine.errors import ModelError
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.research.bench.counting import TimedWork, in_new_process
from dcvsr_engine.research.bench.kernels import evaluate_network, plain_network
from dcvsr_engine.research.bench.workload import BenchWorkload, load_workload
from dcvsr_engine.research.evaluation.peers import peer
from dcvsr_engine.settings import PAPER_SETTINGS, Precision, RestoreSettings
from dcvsr_engine.tiling.blend import Merge, cut

LOOP_STEPS = 2
"""Of which one is SAP and one is TAP."""
LOOP_GOAL, PEER_GOAL = 3.0, 0.5
"""How many times as fast as the other one this program is to be."""
PEER = "animevideov3"

Times = tuple[float, float]
"""Seconds that passed, and of the processor."""


@dataclass(frozen=True)
class RivalFigure:
    """Times of the same work done by another way and by this program.

    Attributes:
        name: of the other way.
        goal: for both gains.
        other, own: see `Times`; ``None`` where it could not be measured.
        load: of the machine when it was measured, the mean number of processes over a minute.
    """

    name: str
    goal: float
    other: Times | None
    own: Times | None
    load: float

    @property
    def gain(self) -> float | None:
        """How many times as fast this program is, in processor time, which a busy machine changes least."""
        return self.other[1] / self.own[1] if self.other and self.own else None

    @property
    def gain_passed(self) -> float | None:
        """The same in the time that passed, which also tells how well the processor's threads are used."""
        return self.other[0] / self.own[0] if self.other and self.own else None


def measure_rivals(settings: RestoreSettings, clip: Path, repeats: int) -> list[RivalFigure]:
    """Measure everything.

    Args:
        settings: model, tile, window and device of the loop.
        clip: a video.
        repeats: timings per work, taken in turns, of which the fastest counts.

    Raises:
        UserError: the clip or the model does not fit.
    """
    return [*loop_figures(settings, clip, repeats), peer_figure(settings, clip, repeats)]


def in_turns(works: list[TimedWork], repeats: int) -> list[Times]:
    """The fastest times of some works, taken in turns: they are long, so what only a first run pays for is little."""
    taken = [[timed_once(work) for work in works] for _ in range(repeats)]
    return [min(times, key=lambda pair: pair[1]) for times in zip(*taken, strict=True)]


def timed_once(work: TimedWork) -> Times:
    """Time one call."""
    began, began_working = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - began_working


def busy() -> float:
    """The machine's load; 0 where the system does not say it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


# -- the straightforward loop -----------------------------------------------------------------------------------


def loop_figures(settings: RestoreSettings, clip: Path, repeats: int) -> list[RivalFigure]:
    """The paper's sampling of a piece of a clip, by the loop in fp32 and in the model's number format, and by the engine."""
    changes = PAPER_SETTINGS | {"steps": settings.steps or LOOP_STEPS, "tile": settings.tile}
    workload = load_workload(settings.replace(**changes), clip)
    formats: tuple[Precision, ...] = tuple(dict.fromkeys(("fp32", workload.model.precision)))
    networks = [plain_network(replace(workload.model, precision=precision)) for precision in formats]
    loops = [partial(straightforward, workload, unet) for unet in networks]
    *others, own = in_turns([*loops, partial(as_restored, workload)], repeats)
    names = [f"diffusers' loop, {precision}" for precision in formats]
    return [RivalFigure(name, LOOP_GOAL, other, own, busy()) for name, other in zip(names, others, strict=True)]


def as_restored(workload: BenchWorkload) -> Tensor:
    """The engine's way: staged lockstep, both branches in a batch, a tile for each thread."""
    batches = InBatches(torch.get_num_threads())
    steps, tiled = workload_steps(workload), workload.tiled(workload.denoiser(), batches, sap_schedule="staged")
    return sample(tiled, workload.noise * workload.model.declaration.sigma_max, steps)


def workload_steps(workload: BenchWorkload) -> list[Step]:
    """The schedule."""
    return steps_of(workload.settings, workload.model.declaration)


@torch.no_grad()
def straightforward(workload: BenchWorkload, unet: UNetSpatioTemporalConditionModel) -> Tensor:
    """The loop by a network as diffusers makes it; returns ``x_0`` ``(frames, channels, height, width)``."""
    model, settings = workload.model, workload.settings.replace(sap_schedule="two-pass")
    x = workload.noise * model.declaration.sigma_max
    for step in workload_steps(workload):
        c, merge = precondition(torch.tensor(step.sigma)), Merge(workload.grid, x.shape[1])
        for tile in workload.grid:
            here = cut(x, tile)
            seen = torch.cat([c.c_in * here, cut(workload.condition, tile)], 1)[None].to(unet.device, unet.dtype)
            for _ in range(evaluations(step, settings, model.declaration)):
                estimate = evaluate_network(unet, seen)[0].float()
            merge.add(tile, c.c_skip * here + c.c_out * estimate)
        x = euler_step(x, merge.result(), step.sigma, step.sigma_next)
    return x


# -- the peer ---------------------------------------------------------------------------------------------------


def peer_figure(settings: RestoreSettings, clip: Path, repeats: int) -> RivalFigure:
    """Restoring a whole clip as users do, in a process each, beside `PEER`; unmeasured where its packages are missing."""
    asked = RestoreSettings(model=settings.model, device=settings.device, precision=settings.precision)
    try:
        peer(PEER).identity()
    except ModelError:
        return RivalFigure(PEER, PEER_GOAL, None, None, busy())
    works: list[Callable[..., Times]] = [enlarged_by_peer, restored_by_engine]
    taken = [[in_new_process(work, asked, clip) for work in works] for _ in range(repeats)]
    other, own = (min(times, key=lambda pair: pair[1]) for times in zip(*taken, strict=True))
    return RivalFigure(PEER, PEER_GOAL, other, own, busy())


def enlarged_by_peer(settings: RestoreSettings, clip: Path) -> Times:
    """Read, enlarge and store a clip by `PEER`."""
    with tempfile.TemporaryDirectory() as folder:
        return timed_once(lambda: peer(PEER).restore(clip, Path(folder) / "frames", Control()))


def restored_by_engine(settings: RestoreSettings, clip: Path) -> Times:
    """Restore a clip as ``dcvsr restore`` does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = JobRequest(source=clip, target=folder / "out.mkv", settings=settings)
        return timed_once(lambda: run_job(request, Control(pictures=False), folder / "job"))
