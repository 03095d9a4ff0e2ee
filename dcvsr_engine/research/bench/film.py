"""The film that a farm is simulated with, and what its units take: by the real planner."""

import functools
import math
import random
from dataclasses import replace

from dcvsr_engine.models.registry import declaration_of, model_folder
from dcvsr_engine.network.declaration import UNET_FOLDERS
from dcvsr_engine.network.layout import subfolder
from dcvsr_engine.planning.disk import expected_bytes
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.planner import job_evaluations, make_plan
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.shots import ShotBoundaries
from dcvsr_engine.research.bench.farm import UnitLoad
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import OutputSettings, RestoreSettings
from dcvsr_engine.video.probe import probe

FILM_SECONDS, FILM_RATE, FILM_SIZE = 7200, 24, (1280, 720)
"""The film: its length, its frames per second, and (width, height) of its pictures."""
FILM_BYTES = 26_000
"""Of a frame of it: five megabits a second."""
SHOT_SECONDS, SHOT_SPREAD, SHOT_FRAMES = 3.0, 0.9, 12
"""The median of the film's shots, the standard deviation of its logarithm, and the frames of the shortest."""


def film_shots(frames: int, seed: int = 0) -> ShotBoundaries:
    """Shots of a film, drawn at random with many short and a few long ones, as films have them."""
    chance, place = random.Random(seed), 0
    cuts: list[int] = []
    while True:
        length = SHOT_SECONDS * FILM_RATE * chance.lognormvariate(0, SHOT_SPREAD)
        place += max(SHOT_FRAMES, round(length))
        if place > frames - SHOT_FRAMES:
            return ShotBoundaries(first=0, last=frames - 1, cuts=tuple(cuts))
        cuts.append(place)


def film_plan(settings: RestoreSettings) -> Plan:
    """The plan of a film of two hours at 720p that there is none of, made by the planner; raises `ModelError`."""
    frames, (width, height) = FILM_SECONDS * FILM_RATE, FILM_SIZE
    sample = probe(resource("clips", "sample.mp4"))
    info = replace(sample, width=width, height=height, frames=frames, frames_exact=True, duration=float(FILM_SECONDS))
    unet = subfolder(model_folder(settings.model), UNET_FOLDERS)
    request = JobRequest(source=sample.path, settings=settings)
    return make_plan(request, info, declaration_of(settings.model), unet, film_shots(frames))


def unit_loads(plan: Plan, tile_seconds: float, spread: float, source_bytes: float, seed: int = 0) -> list[UnitLoad]:
    """What each unit of a plan takes.

    Args:
        plan: of the film.
        tile_seconds: of an evaluation of a tile, with all that is around it.
        spread: standard deviation of that from unit to unit, as a share of it.
        source_bytes: of a frame of the source.
        seed: of the spread.
    """
    chance, declaration = random.Random(seed), declaration_of(plan.settings.model)
    deviation = math.sqrt(math.log(1 + spread**2))
    made = expected_bytes(OutputSettings(), plan.frames, plan.output_size) / plan.frames

    @functools.cache
    def seconds(frames: int) -> float:
        piece = Segment(index=0, first=0, last=frames - 1)
        return tile_seconds * job_evaluations([piece], *plan.reduced_size, plan.settings, declaration)

    return [
        UnitLoad(
            # the mean of the factors is 1
            seconds(segment.frames) * chance.lognormvariate(-(deviation**2) / 2, deviation),
            source_bytes * (segment.before + segment.frames + segment.after),
            made * segment.frames,
        )
        for segment in plan.segments
    ]
