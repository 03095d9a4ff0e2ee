"""The prior's trainer: it learns, resumes to the bit, and says in a sentence what is wrong with a recipe."""

import json
import os
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from dcvsr_engine.cli import EXIT_BAD_INPUT, EXIT_CANCELLED, EXIT_DONE, main
from dcvsr_engine.errors import Cancelled, JobError, SettingsError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.upsampler import Upsampler
from dcvsr_engine.research.training.log import read_rows
from dcvsr_engine.research.training.pool import make_pools
from dcvsr_engine.research.training.prior import (
    PriorTrainer,
    charbonnier,
    mean_psnr_y,
    negative_log_likelihood,
    new_network,
)
from dcvsr_engine.research.training.prior_recipe import PriorPhase, PriorRecipe, read_recipe
from dcvsr_engine.research.training.recipe import PoolRecipe, Recipe

RECIPE = PriorRecipe(
    name="tiny",
    pool=PoolRecipe(clips=6, held_out=3, shard=4, frames=3, size=48, workers=1),
    phases=(
        PriorPhase(iterations=4, batch=2, size=32, warmup=2),
        PriorPhase(iterations=2, batch=3, size=48, schedule="cosine", uncertainty=0.0),
    ),
    channels=16, blocks=1, checkpoint_every=3, validate_every=3, log_every=2, bf16=(),
)  # fmt: skip


def trainer(folder: Path, photos, recipe: PriorRecipe = RECIPE, judge=None) -> PriorTrainer:
    make_pools(recipe.pool, recipe.seed, folder / "pool", lambda: photos, lambda sentence: None)
    return PriorTrainer(recipe, folder, judge)


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in read_rows(folder / table)]


def test_a_stopped_run_ends_as_an_uninterrupted_one_to_the_bit(tmp_path, photos):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer(whole, photos).run(lambda sentence: None)
    for stop in (1, 3, 5):
        run = trainer(parts, photos)
        step = run.step

        def stopping(crops, run=run, step=step, stop=stop) -> None:
            step(crops)
            run.stopping = run.state.iteration == stop

        run.step = stopping
        with pytest.raises(Cancelled):
            run.run(lambda sentence: None)
    trainer(parts, photos).run(lambda sentence: None)
    first, second = (load_file(folder / "last/state.safetensors") for folder in (whole, parts))
    assert first.keys() == second.keys() and any(name.endswith("exp_avg_sq") for name in first)
    assert all(torch.equal(first[name], second[name]) for name in first)
    for table in ("log.csv", "validation.csv"):
        assert rows(whole, table) == rows(parts, table) != []
    for name in ("config.json", "model.safetensors"):
        assert (whole / "upsampler" / name).read_bytes() == (parts / "upsampler" / name).read_bytes()


def test_a_resumed_run_lays_the_optimisers_moments_out_as_its_weights(tmp_path, photos):
    trainer(tmp_path, photos).run(lambda sentence: None)
    resumed = trainer(tmp_path, photos)
    for weight, kept in resumed.optimizer.state.items():
        assert weight.stride() == kept["exp_avg"].stride() == kept["exp_avg_sq"].stride()


def test_it_learns(tmp_path, photos):
    phase = PriorPhase(iterations=150, batch=4, size=48, learning_rate=2e-3, warmup=5)
    recipe = RECIPE.replace(phases=(phase,), ema=0.9, validate_every=150)
    trainer(tmp_path, photos, recipe).run(lambda sentence: None)
    quality = {row["method"]: float(row["psnr_y"]) for row in rows(tmp_path, "validation.csv")}
    assert quality["prior"] > quality["bicubic"] + 0.15


def test_the_written_upsampler_is_the_averaged_network(tmp_path, photos):
    run = trainer(tmp_path, photos)
    run.run(lambda sentence: None)
    written = Upsampler.from_folder(tmp_path / "upsampler")
    for name, value in written.state_dict().items():
        assert torch.equal(value, run.state.ema[name].half().float())


def test_validation_compares_with_bicubic_over_every_kind(tmp_path, photos):
    pool = RECIPE.pool.replace(degradations={"mild": 1.0, "streamed": 1.0})
    run = trainer(tmp_path, photos, RECIPE.replace(pool=pool), lambda a, b: (a - b).abs().mean((1, 2, 3)))
    run.validate(lambda sentence: None)
    found = {(row["degradation"], row["method"]): row for row in rows(tmp_path, "validation.csv")}
    assert set(found) == {(kind, method) for kind in ("mild", "streamed") for method in ("bicubic", "prior")}
    crops = run.held_out.middles("mild")
    bicubic, truth = upscale(crops.windows[:, 1] / 255, 4), crops.truth / 255
    assert float(found["mild", "bicubic"]["psnr_y"]) == pytest.approx(mean_psnr_y(bicubic, truth), abs=1e-3)
    assert float(found["mild", "bicubic"]["st_lpips"]) == pytest.approx(float((bicubic - truth).abs().mean()), abs=1e-3)
    assert found["mild", "prior"] | {"method": ""} == found["mild", "bicubic"] | {"method": ""}  # a new one is bicubic
    run.validate(lambda sentence: None)
    assert [row["method"] for row in rows(tmp_path, "validation.csv")] == ["bicubic", "prior"] * 2 + ["prior"] * 2


def test_a_run_may_be_given_more_iterations_and_clips(tmp_path, photos):
    trainer(tmp_path, photos).run(lambda sentence: None)
    longer = RECIPE.replace(
        pool=RECIPE.pool.replace(clips=10), phases=(*RECIPE.phases, PriorPhase(iterations=2, batch=1, size=32))
    )
    run = trainer(tmp_path, photos, longer)
    assert run.training.count("mild") == 10 and run.state.iteration == 6
    run.run(lambda sentence: None)
    assert run.state.iteration == 8


def test_losses():
    error = torch.tensor([[0.3, -0.3, 0.6]]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert charbonnier(error).item() == pytest.approx(0.4, abs=1e-4)
    logs = torch.linspace(-3, 1, 4001)
    likelihoods = torch.stack([negative_log_likelihood(error, log.view(1, 1, 1, 1)) for log in logs])
    assert logs[likelihoods.argmin()].exp().item() == pytest.approx(0.4, abs=1e-3)
    error = error.clone().requires_grad_()
    assert not negative_log_likelihood(error, torch.zeros(1, 1, 4, 4)).requires_grad  # it does not push the picture


def test_psnr_y_of_a_grey_shift():
    truth = torch.rand(2, 3, 8, 8) * 0.8
    assert mean_psnr_y(truth + 0.1, truth) == pytest.approx(20 - 20 * torch.tensor(219 / 255).log10().item(), abs=1e-3)


def test_a_gradient_that_is_not_finite_ends_the_run_in_a_sentence(tmp_path, photos):
    run = trainer(tmp_path, photos)
    run.network.tail.bias.data.fill_(float("nan"))
    with pytest.raises(JobError, match="gradient of iteration 1 is not finite"):
        run.run()


POOL = {"degradations": {"mild": 1.0}}
PHASE = {"iterations": 1}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"phases": []}, "at least one phase is needed"),
        ({"phases": [PHASE | {"sise": 3}]}, "There is no key “phases[0].sise”; the nearest is “size”"),
        ({"phases": [{}]}, "phases[0].iterations” is missing"),
        ({"phases": [PHASE | {"iterations": 0}]}, "at least 1"),
        ({"phases": [PHASE | {"size": 30}]}, "multiple of 4"),
        ({"phases": [PHASE | {"size": 256}]}, "larger crops than the pool's clips"),
        ({"phases": [PHASE | {"learning_rate": 0}]}, "learning_rate must be greater than 0"),
        ({"phases": [PHASE | {"uncertainty": -1.0}]}, "uncertainty must be at least 0"),
        ({"phases": [PHASE | {"schedule": "linear"}]}, "schedule must be one of cosine, constant, not 'linear'"),
        ({"phases": [PHASE | {"degradations": {"harsh": 1.0}}]}, "not “harsh”"),
        ({"phases": [PHASE | {"degradations": {"mild": -1.0}}]}, "need a share above 0, and none below"),
        ({"phases": [PHASE | {"degradations": {"streamed": 1.0}}]}, "asks for “streamed”, but the pool has no such clips"),
        ({"pool": POOL | {"frames": 4}}, "frames of the pool must be odd"),
        ({"pool": POOL | {"size": 190}}, "size of the pool must be a multiple of 4"),
        ({"pool": POOL | {"shard": 0}}, "at least 1"),
        ({"pool": POOL | {"parallax": 2.0}}, "pool.parallax must be between 0 and 1"),
        ({"ema": 1.0}, "ema must be less than 1"),
        ({"blocks": 0}, "at least 1"),
        ({"seed": "x"}, "seed must be a whole number, not 'x'"),
        ({"pool": 3}, "pool must be a JSON object, not 3"),
    ],
)
def test_mistakes_in_a_recipe_are_named_in_one_sentence(tmp_path, values, sentence, capsys):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"name": "x", "pool": POOL, "phases": [PHASE]} | values))
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        read_recipe(path)
    assert main(["train", str(path), "-o", str(tmp_path / "run")]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "run").exists()


def test_recipes_are_told_apart_by_their_pool_and_read_back(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(RECIPE.to_json())
    assert read_recipe(path) == RECIPE and hash(RECIPE) == hash(read_recipe(path))
    path.write_text(json.dumps({"name": "x", "start": "y", "phases": [PHASE]}))
    assert isinstance(read_recipe(path), Recipe)
    for text in ("{", "[]", "3"):
        path.write_text(text)
        with pytest.raises(SettingsError):
            read_recipe(path)


def test_the_shipped_recipe_is_understood():
    recipe = read_recipe(Path("resources/recipes/prior.json"))
    assert isinstance(recipe, PriorRecipe)
    count = sum(weight.numel() for weight in new_network(recipe).parameters())
    assert 4e5 <= count <= 1e6


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """The command for a run on thirty pictures, some of which are held out by their names."""
    folder = tmp_path / "usr/share/games/endless-sky/images/land"
    folder.mkdir(parents=True)
    for number in range(30):
        Image.effect_noise((480, 360), 90).convert("RGB").save(folder / f"beach{number}.jpg")
    (tmp_path / "recipe.json").write_text(RECIPE.to_json())
    return ["train", str(tmp_path / "recipe.json"), "-o", str(tmp_path / "run"), "--photos", str(tmp_path), "--device", "cpu"]


def test_the_command_trains_stops_and_resumes(arguments, tmp_path, monkeypatch, capsys):
    finish = PriorTrainer.finish_iteration

    def interrupted(run: PriorTrainer, report) -> None:
        finish(run, report)
        if run.state.iteration == 2:
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(PriorTrainer, "finish_iteration", interrupted)
    assert main(arguments) == EXIT_CANCELLED
    assert "clips: training 2/2" in (said := capsys.readouterr().out) and "Stopped in iteration 3" in said
    monkeypatch.undo()
    assert main(arguments) == EXIT_BAD_INPUT
    assert "add --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == EXIT_DONE
    assert "Preparing clips" not in (said := capsys.readouterr().out) and "validation at 6: mild prior" in said
    assert (tmp_path / "run/upsampler/model.safetensors").is_file()
    assert main([*arguments, "--resume"]) == EXIT_DONE
    assert "complete: 6 iterations" in capsys.readouterr().out


def test_a_start_that_cannot_be_used_is_named_before_clips_are_made(arguments, tmp_path, capsys):
    assert main([*arguments, "--start", "somewhere"]) == EXIT_BAD_INPUT
    assert "“somewhere” cannot be used" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_run_starts_from_another_runs_upsampler(tmp_path, photos):
    trainer(tmp_path / "first", photos).run(lambda sentence: None)
    start = str(tmp_path / "first/upsampler")
    second = trainer(tmp_path / "second", photos, RECIPE.replace(start=start))
    written = Upsampler.from_folder(Path(start)).state_dict()
    assert all(torch.equal(value, written[name]) for name, value in second.network.state_dict().items())
    with pytest.raises(Cancelled):
        second.run(lambda sentence: None, until=1)
    assert second.state.iteration == 1 and (tmp_path / "second/last/state.safetensors").is_file()
    with pytest.raises(SettingsError, match="another shape"):
        trainer(tmp_path / "third", photos, RECIPE.replace(start=start, channels=8))


def test_crops_do_not_depend_on_the_number_of_workers(tmp_path, photos):
    for workers in (0, 2):
        trainer(tmp_path / str(workers), photos, RECIPE.replace(crop_workers=workers)).run(lambda sentence: None)
    states = [load_file(tmp_path / name / "last/state.safetensors") for name in "02"]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_missing_photographs_are_named_before_anything_is_written(arguments, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main([*arguments[:-4], "--photos", str(tmp_path / "empty")]) == EXIT_BAD_INPUT
    assert "No training photographs were found" in capsys.readouterr().err and not (tmp_path / "run").exists()
