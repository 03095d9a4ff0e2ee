"""A run by the clock: phases and learning rates end with the time, over several calls, whatever the number of batches."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dcvsr_engine.cli import EXIT_BAD_INPUT, main
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.training.pool import make_pools
from dcvsr_engine.research.training.prior import PriorTrainer
from dcvsr_engine.research.training.prior_recipe import PriorPhase, PriorRecipe
from dcvsr_engine.research.training.recipe import STATE, PoolRecipe, Recipe, TrainingPhase, Validation
from dcvsr_engine.research.training.schedule import Course, TimedCourse, learning_rate, resumed_course
from dcvsr_engine.research.training.trainer import Trainer

POOL = PoolRecipe(clips=4, held_out=2, shard=2, frames=3, size=48, workers=1)
PRIOR = PriorRecipe(
    name="tiny", pool=POOL, channels=8, blocks=1, bf16=(), checkpoint_every=10**6, validate_every=10**6, log_every=1,
    phases=(
        PriorPhase(iterations=300, batch=2, size=32, learning_rate=1.0, warmup=30),
        PriorPhase(iterations=700, batch=3, size=48, learning_rate=0.1, schedule="cosine"),
    ),
)  # fmt: skip


class Clock:
    """A second passes whenever it is looked at."""

    def __init__(self, step: float = 1.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def rates(course: TimedCourse) -> list[float]:
    """The learning rates of a call."""
    found = []
    while not course.is_over(0):
        found.append(learning_rate(*course.place(0)))
        course.advance()
    return found


@pytest.mark.parametrize("step", [0.25, 1.0, 3.0])
def test_the_rate_falls_to_the_end_of_the_time_however_fast_iterations_are(step) -> None:
    whole = rates(Course(PRIOR).spread(0, 1.0, 100.0, Clock(step)))
    assert len(whole) == math.ceil(100 / step)
    assert whole[0] == pytest.approx(1 / 30) and max(whole) == 1.0
    third = [rate for rate in whole if rate > 0.1]
    assert len(third) == pytest.approx(0.3 * len(whole), abs=2), "the first phase has its share of the time"
    assert whole[-1] == pytest.approx(0.01, rel=0.1), "a tenth of the second one's peak"


def test_two_calls_go_through_the_recipe_once() -> None:
    first = Course(PRIOR).spread(0, 0.4, 40.0, Clock())
    begun = rates(first)
    second = resumed_course(PRIOR, first.record())
    assert second.is_over(0) and second.done(0) == 0.4, "it stands still until it is spread"
    ended = rates(second.spread(0, 1.0, 7.5, Clock(0.125)))
    assert (len(begun), len(ended)) == (40, 60)
    assert begun + ended == pytest.approx(rates(Course(PRIOR).spread(0, 1.0, 100.0, Clock())), abs=1e-3)


@pytest.mark.parametrize("end", [0.4, 0.0, 1.1, math.nan])
def test_a_share_that_is_not_to_come_is_refused(end) -> None:
    course = resumed_course(PRIOR, {"share": torch.tensor(0.4, dtype=torch.float64)})
    with pytest.raises(SettingsError, match=r"40\.0% of the recipe is done"):
        course.spread(7, end, 1.0)


def test_a_run_by_iterations_can_be_ended_by_the_clock() -> None:
    course = Course(PRIOR).spread(650, 1.0, 10.0, Clock())
    assert course.share == 0.65 and course.place(650) == (PRIOR.phases[1], 350.0)
    assert Course(PRIOR).record() == {}


def test_the_prior_is_trained_by_the_clock_in_two_calls(tmp_path, photos, capsys) -> None:
    gentle = PRIOR.replace(phases=tuple(phase.replace(learning_rate=1e-4) for phase in PRIOR.phases))
    make_pools(POOL, 0, tmp_path / "pool", lambda: photos, lambda sentence: None)
    seen: list[tuple[float, int]] = []

    def call(end: float, seconds: float) -> PriorTrainer:
        trainer = PriorTrainer(gentle, tmp_path)
        trainer.course = trainer.course.spread(trainer.state.iteration, end, seconds, Clock())
        loss = trainer.loss
        trainer.loss = lambda crops, phase: seen.append((trainer.course.share, len(crops.truth))) or loss(crops, phase)  # type: ignore[func-returns-value,method-assign]
        trainer.run(lambda sentence: None)
        return trainer

    assert call(0.5, 5.0).state.iteration == 5
    assert float(load_file(tmp_path / STATE)["share"]) == 0.5
    recipe = tmp_path / "recipe.json"
    assert main(["train", str(recipe), "-o", str(tmp_path), "--resume", "--device", "cpu"]) == EXIT_BAD_INPUT
    assert "goes by the clock" in capsys.readouterr().err
    assert call(1.0, 2.0).state.iteration == 7
    assert seen == [(0.0, 2), (0.1, 2), (0.2, 2), (pytest.approx(0.3), 3), (0.4, 3), (0.5, 3), (0.75, 3)]
    assert main(["train", str(recipe), "-o", str(tmp_path), "--resume", "--device", "cpu"]) == 0
    assert "is complete: 7 iterations" in capsys.readouterr().out
    assert (tmp_path / "upsampler/model.safetensors").is_file()


def test_a_diffusion_network_is_trained_by_the_clock(start: Path, tmp_path, photos) -> None:
    phases = tuple(TrainingPhase(iterations=1, batch=batch, size=32, learning_rate=1e-3, warmup=0) for batch in (1, 2))
    recipe = Recipe(
        name="tiny", start=str(start), scratch=True, phases=phases, bf16=(),
        validation=Validation(clips=1, size=32, steps=(1,)),
    )  # fmt: skip
    trainer = Trainer(recipe, tmp_path / "run", photos)
    trainer.course = trainer.course.spread(0, 1.0, 4.0, Clock())
    sizes, said, step = [], [], trainer.step
    trainer.step = lambda clips, low: sizes.append(len(clips)) or step(clips, low)  # type: ignore[func-returns-value,method-assign]
    trainer.run(said.append)
    assert sizes == [1, 1, 2, 2] and "validation at 4" in said[-1]
    resumed = Trainer(recipe, tmp_path / "run", photos)
    assert resumed.course.done(4) == 1.0 and not list(resumed.batches())
