"""Training over a learned upsampler: what the network sees, the export, and the scales measured for it."""

import contextlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import networks
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from dcvsr_engine.cli import EXIT_BAD_INPUT, EXIT_DONE, main
from dcvsr_engine.errors import Cancelled, ModelError, UserError
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.upsampling import BicubicUpsampler, LearnedUpsampler
from dcvsr_engine.research.training.command import make_trainer, training_data
from dcvsr_engine.research.training.data import Batches, training_pair
from dcvsr_engine.research.training.export import export
from dcvsr_engine.research.training.pool import PooledData
from dcvsr_engine.research.training.recipe import STATE, PoolRecipe, Recipe, TrainingPhase, Validation
from dcvsr_engine.research.training.scales import Deviations, matched_stage, measure_scales, unit_stage
from dcvsr_engine.research.training.start import declared_context, enlarge_clips
from dcvsr_engine.research.training.trainer import Trainer

LEARNED = {"upsampler": "learned"}


@pytest.fixture
def learned(start: Path) -> Path:
    """The start folder with an upsampler that sees five frames."""
    (start / "upsampler").mkdir()
    networks.upsampler().save(start / "upsampler")
    return start


def recipe(start: Path, frames: int = 1, **changes) -> Recipe:
    phase = TrainingPhase(iterations=2, frames=frames, batch=2, size=32, warmup=1)
    values = {"bf16": (), "validate_every": 10**6, "validation": Validation(clips=2, frames=frames, size=32, steps=(1,))}
    return Recipe(name="tiny", start=str(start), phases=(phase,), scratch=True, **(values | {"declaration": LEARNED} | changes))


@pytest.mark.parametrize("frames", [1, 3])
def test_the_network_is_trained_over_what_the_engine_will_show_it(learned, photos, tmp_path, frames):
    trainer = Trainer(recipe(learned, frames), tmp_path / "run", photos)
    upsampler = trainer.start.upsampler
    assert isinstance(upsampler, LearnedUpsampler) and trainer.start.context == declared_context(trainer.recipe) == 2
    clips, low = Batches(photos.training, trainer.recipe, trainer.start.context)[0]
    up = trainer.start.enlarge(low)
    assert up.shape == clips.shape
    for clip, enlarged in zip(low, up, strict=True):
        for place in range(frames):
            torch.testing.assert_close(enlarged[place], upsampler(clip[place : place + 5].unsqueeze(0), 4)[0])
    seen = []
    trainer.loss = lambda *given: seen.append(given) or trainer.unet.conv_in.weight.sum()  # type: ignore[method-assign]
    trainer.step(clips, low)
    assert torch.equal(seen[0][0], clips) and torch.equal(seen[0][1], up)


def test_a_run_whose_clips_are_made_once_resumes_to_the_bit(learned, tmp_path, photos):
    asked = recipe(learned, 3, clips=PoolRecipe(clips=3, held_out=2, shard=2, frames=7, size=48, workers=1))
    folder = {name: tmp_path / name for name in ("whole", "parts")}
    for place, stops in (("whole", [None]), ("parts", [1, None])):
        for until in stops:
            trainer = make_trainer(asked, folder[place], lambda: photos, lambda: None, "cpu", lambda sentence: None)
            assert isinstance(trainer.data, PooledData)
            with pytest.raises(Cancelled) if until else contextlib.nullcontext():
                trainer.run(lambda sentence: None, until)
    whole, parts = (load_file(place / STATE) for place in folder.values())
    assert whole["iteration"] == 2 and all(torch.equal(value, parts[name]) for name, value in whole.items() if name != "log")


@pytest.mark.parametrize(
    ("frames", "without", "error"),
    [
        (5, "", "“clips” must have at least 7 frames: 4 are"),
        (7, "unet/config.json", "holds no unet/config.json"),
        (7, "upsampler/config.json", "upsampler"),
    ],
)
def test_what_a_run_cannot_use_is_named_before_clips_are_made(learned, tmp_path, frames, without, error):
    asked = recipe(learned, 3, clips=PoolRecipe(frames=frames, size=48))
    if without:
        (learned / without).unlink()
    with pytest.raises(UserError, match=error):
        make_trainer(asked, tmp_path / "run", lambda: pytest.fail("clips are made"), lambda: None, "cpu")


def test_processes_of_a_run_make_clips_once(learned, tmp_path, photos):
    asked = recipe(learned, 3, clips=PoolRecipe(clips=3, held_out=2, shard=2, frames=7, size=48, workers=1))
    said = []
    make = partial(training_data, asked, tmp_path, lambda: photos, said.append)
    with ThreadPoolExecutor(2) as processes:
        one, other = (future.result() for future in [processes.submit(make) for _ in range(2)])
    made = [sentence for sentence in said if sentence.startswith("clips:")]
    assert len(made) == len(set(made)) > 0 and one.training.count("mild") == other.training.count("mild") > 0


def test_a_run_validates_and_its_export_restores_with_the_same_upsampler(learned, photos, tmp_path):
    trainer = Trainer(recipe(learned), tmp_path / "run", photos)
    trainer.step(*Batches(photos.training, trainer.recipe, 2)[0])
    trainer.validate(lambda sentence: None)
    table = (tmp_path / "run" / "validation.csv").read_text()
    assert ",learned," in table and "bicubic" not in table
    clips, low = photos.held_out_pairs(trainer.recipe.validation, 2)
    assert clips.shape[1] == 1 and low.shape[1] == 5
    export(trainer.start, tmp_path / "model")
    model = load_model(str(tmp_path / "model"), "cpu", "fp32")
    assert {"upsampler/config.json", "upsampler/model.safetensors"} < model.declaration.sha256.keys()
    assert model.declaration.upsampler == "learned" and model.upsampler.frames == 5
    windows = torch.rand(2, 5, 3, 6, 8)
    torch.testing.assert_close(model.upsampler(windows, 4), trainer.start.upsampler(windows, 4))
    with (tmp_path / "model" / "upsampler" / "config.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelError, match=r"upsampler/config.json is not the file that was declared"):
        load_model(str(tmp_path / "model"), "cpu", "fp32")


def test_a_start_folder_without_its_upsampler_is_one_sentence(start, photos, tmp_path):
    with pytest.raises(ModelError, match="upsampler"):
        Trainer(recipe(start), tmp_path / "run", photos)
    with pytest.raises(ModelError, match="upsampler"):
        declared_context(recipe(start))
    assert declared_context(recipe(start, declaration={})) == 0


def test_deviations_are_those_of_all_values_together():
    values = 3 + torch.randn(7, 2, 5, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0]).view(1, 2, 1, 1)
    deviations = Deviations()
    for part in values.split(3):
        deviations.add(part)
    wanted = values.transpose(0, 1).flatten(1).std(1, correction=0)
    assert deviations() == pytest.approx(wanted.tolist(), rel=1e-5)


def test_matched_scales_make_up_for_detail_that_is_too_weak():
    example = torch.randn(2, 24, 4, 4)
    weak = torch.linspace(0.5, 1, 24).view(1, -1, 1, 1)
    stage = matched_stage(unit_stage(), [(example, weak * example), (2 * example, 2 * weak * example)])
    torch.testing.assert_close(stage.residual_scale * weak, torch.ones(1, 24, 1, 1))


@pytest.mark.parametrize("upsampler", [BicubicUpsampler(), LearnedUpsampler(networks.upsampler())])
def test_measured_scales_give_unit_variance_over_their_upsampler(photos, upsampler):
    asked = recipe(Path("unused"), 3)
    stage = measure_scales(asked, photos.training, upsampler, 6)
    assert isinstance(stage, HaarFirstStage)
    residuals, conditions = Deviations(), Deviations()
    import random

    for index in range(6):
        rng = random.Random(f"0/scales/{index}")
        clip, low = training_pair(rng, photos.training, asked.phases[0], upsampler.frames // 2)
        up = enlarge_clips(upsampler, low.unsqueeze(0))[0]
        residuals.add(stage.encode_target(clip, up))
        conditions.add(stage.encode_condition(up))
    assert residuals() == pytest.approx([1.0] * 24, abs=1e-3) and conditions() == pytest.approx([1.0] * 24, abs=1e-3)
    assert not torch.allclose(stage.residual_scale, unit_stage().residual_scale)


@pytest.fixture
def command(learned, tmp_path, monkeypatch) -> list[str]:
    """Measures on small pictures in place of packages' photographs."""
    pictures = tmp_path / "photos" / "usr" / "share" / "kphotoalbum" / "demo"
    pictures.mkdir(parents=True)
    for number in range(14):
        noise = torch.randint(0, 256, (40, 60, 3), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
        Image.fromarray(noise.numpy()).resize((960, 640), Image.Resampling.NEAREST).save(pictures / f"{number}.jpg")
    (tmp_path / "recipe.json").write_text(recipe(learned).to_json())
    return ["train", str(tmp_path / "recipe.json"), "-o", str(tmp_path / "out"), "--photos", str(tmp_path / "photos")]


def test_the_command_writes_scales_that_a_start_folder_takes(command, learned, tmp_path, capsys):
    assert main([*command, "--measure-scales", "3"]) == EXIT_DONE
    scales = json.loads((tmp_path / "out" / "scales.json").read_text())
    assert [len(values) for values in scales.values()] == [24, 24]
    shutil.copy(tmp_path / "out" / "scales.json", learned / "scales.json")
    assert HaarFirstStage.from_file(learned / "scales.json").residual_scale.min() > 0
    capsys.readouterr()
    assert main([*command, "--measure-scales", "3"]) == EXIT_BAD_INPUT
    assert "is there already" in capsys.readouterr().err
    assert main([*command, "--measure-scales", "0"]) == EXIT_BAD_INPUT
    assert "at least 1" in capsys.readouterr().err
