"""How long one evaluation takes here, by what earlier runs took: remembered, so that nothing is measured twice. Torch-free."""

import math
import platform
from contextlib import suppress
from pathlib import Path

from dcvsr_engine.paths import data_folder
from dcvsr_engine.planning.plan import Plan
from dcvsr_engine.storage import remembered, write_json


def speeds_file() -> Path:
    """Where speeds are remembered: seconds per latent of an evaluation, everything around it included, by `speed_key`."""
    return data_folder() / "speeds.json"


def speed_key(plan: Plan) -> str:
    """What decides how long a latent of an evaluation takes; the machine too, as a portable program goes from one to another.

    Tiles as they were asked for: those of small clips are smaller, and take about as much less time.
    """
    settings = plan.settings
    return f"{platform.node()}|{settings.model}|{plan.device}|{settings.precision}|{settings.tile} by {settings.window}"


def evaluated_latents(plan: Plan) -> int:
    """Latents of all evaluations of a plan."""
    return plan.evaluations * plan.grid.tile_frames * plan.grid.tile_height * plan.grid.tile_width


def known_speeds() -> dict[str, float]:
    """All that is remembered; nothing where the file is missing or damaged."""
    numbers = {key: value for key, value in remembered(speeds_file()).items() if isinstance(value, float)}
    return {key: value for key, value in numbers.items() if value > 0 and math.isfinite(value)}


def with_seconds(plan: Plan) -> Plan:
    """The plan with a duration by what is remembered of this device with tiles like these; unchanged where nothing is."""
    speed = known_speeds().get(speed_key(plan))
    return plan if speed is None else plan.replace(seconds=evaluated_latents(plan) * speed)


def remember_speed(plan: Plan, seconds: float) -> None:
    """Remember that all evaluations of ``plan``, and everything around them, took ``seconds``."""
    if seconds > 0 and plan.evaluations:
        with suppress(OSError):  # a full or read-only disk costs an estimate, not a job
            speeds_file().parent.mkdir(parents=True, exist_ok=True)
            write_json(speeds_file(), known_speeds() | {speed_key(plan): seconds / evaluated_latents(plan)})
