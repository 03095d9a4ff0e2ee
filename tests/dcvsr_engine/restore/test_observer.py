"""What is reported of sampling, and where a job can stop."""

from collections import Counter

import networks
import pytest

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.sampler import TiledDenoiser, sample
from dcvsr_engine.diffusion.schedule import passes, steps_of
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import FramesChosen, StepStarted, TileFinished, TileStarted
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.observer import SamplingObserver
from dcvsr_engine.restore.recovery import RecoveringBatches, Recovery
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles, two windows."""
SAP, TAP = {"sap": True}, {"tap": True}


def observed(changes, control, batch=2):
    """Sample with an observer of frames 30 to 32, the third segment; gives the observer."""
    denoiser = networks.denoiser(sigma_min=0.02, sigma_max=20.0)
    resolved = networks.settings(**changes).to_dict() | {"tile_batch": batch, "device": "cpu", "precision": "fp32"}
    settings = PlannedSettings(**resolved)
    noise, condition = networks.clip(GRID)
    steps = steps_of(settings, denoiser.model.declaration)
    observer = SamplingObserver(control, Segment(index=2, first=30, last=32), control.check)
    observer.expect(0, sum(len(passes(step, settings.sap_schedule)) * len(GRID) for step in steps), len(steps))
    recovery = Recovery(denoiser.model, settings, 14, print)
    batches = RecoveringBatches(recovery, denoiser.model, print, observer.locate, observer.on_tiles)
    tiled = TiledDenoiser(
        denoiser, condition, settings, lambda step: GRID, steps, batches, on_frames_chosen=observer.on_frames_chosen
    )

    def denoise(x, step):
        observer.on_step(step, GRID)
        return tiled(x, step)

    sample(denoise, noise * 20.0, steps)
    return observer


@pytest.mark.parametrize(
    "changes, evaluations",
    [
        ({"steps": 3}, 3 * 4),
        ({"steps": 3} | SAP | TAP, 4 + 8 + 4),
        ({"steps": 4, "sap_schedule": "lockstep"} | SAP | TAP, 4 * 4),
        ({"steps": 4, "sap_schedule": "cached"} | SAP | TAP, 8 + 3 * 4),
        ({"steps": 3, "sap_schedule": "cached"} | SAP | TAP, 3 * 4),
        ({"steps": 2, "guidance": "dssag"} | SAP, 8 + 4),
    ],
)
def test_progress_counts_every_evaluation_of_a_tile(changes, evaluations):
    events = []
    observer = observed(changes, Control(events.append))
    done = [event.done for event in events if isinstance(event, TileFinished)]
    assert done == list(range(1, evaluations + 1))
    assert {event.total for event in events if isinstance(event, TileFinished)} == {evaluations}
    assert Counter((e.m, e.n) for e in events if isinstance(e, TileStarted)) == Counter(
        (e.m, e.n) for e in events if isinstance(e, TileFinished)
    )
    starts = [event for event in events if isinstance(event, StepStarted)]
    assert [(s.segment, s.step, s.steps, s.frame) for s in starts] == [
        (2, i, changes["steps"], 30) for i in range(changes["steps"])
    ]
    assert all(TileGrid.from_dict(start.grid) == GRID for start in starts)
    assert observer.seconds > 0
    assert observer.seconds == pytest.approx(sum(event.seconds for event in events if isinstance(event, TileFinished)))


def test_chosen_frames_are_reported_in_the_clips_numbers():
    events = []
    observed({"steps": 1, "tap": True, "tap_frames": 1}, Control(events.append))
    reported = [(event.n, event.frames) for event in events if isinstance(event, FramesChosen)]
    assert [n for n, _ in reported] == [0, 1]
    assert all(len(frames) == 1 and 30 + GRID.windows[n] <= frames[0] < 32 + GRID.windows[n] for n, frames in reported)


def test_cancelling_stops_at_the_next_tile():
    finished = []

    def emit(event):
        if isinstance(event, TileFinished):
            finished.append(event)
            control.cancel()

    control = Control(emit)
    with pytest.raises(Cancelled):
        observed({}, control, batch=1)
    assert len(finished) == 1


def test_an_attempt_that_fails_is_not_finished():
    events = []
    control = Control(events.append)
    observer = SamplingObserver(control, Segment(index=0, first=0, last=2), control.check)
    observer.expect(0, 4, 1)
    with pytest.raises(MemoryError), observer.on_tiles([GRID.tile(0, 0)]):
        raise MemoryError
    assert [type(event) for event in events] == [TileStarted] and observer.seconds == 0
