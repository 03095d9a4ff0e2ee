"""A tiny training run: loss falls, a resumed run equals an uninterrupted one, the export loads in the engine."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.network.checkpoint import load
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.training.command import read_recipe
from dcvsr_engine.training.data import Photographs
from dcvsr_engine.training.motion import synthetic_clip
from dcvsr_engine.training.recipe import Phase, Recipe
from dcvsr_engine.training.trainer import Trainer


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A checkpoint folder with a configuration and scales, without weights."""
    unet = UNetSpatioTemporalConditionModel(
        in_channels=48, out_channels=24, block_out_channels=(32, 32), num_attention_heads=(2, 2), cross_attention_dim=8,
        down_block_types=("DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"),
        up_block_types=("CrossAttnUpBlockSpatioTemporal", "UpBlockSpatioTemporal"),
        layers_per_block=1, addition_time_embed_dim=8, projection_class_embeddings_input_dim=24,
    )  # fmt: skip
    unet.save_config(tmp_path / "start" / "unet")
    scales = {"residual_scale": [0.1] * 24, "condition_scale": [0.3] * 24}
    (tmp_path / "start" / "scales.json").write_text(json.dumps(scales))
    return tmp_path / "start"


@pytest.fixture
def photos() -> Photographs:
    """Pictures with edges at many scales, in place of photographs."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 12, 16, generator=generator)
    large = torch.nn.functional.interpolate(coarse, size=(120, 160), mode="nearest")
    pictures = [(255 * picture).byte() for picture in large]
    return Photographs(pictures[:5], pictures[5:])


def recipe(start: Path, iterations: int = 6, frames: int = 1) -> Recipe:
    phase = Phase(iterations=iterations, frames=frames, batch=2, size=32, learning_rate=1e-3, warmup=1)
    return Recipe("tiny", str(start), (phase,), scratch=True, checkpoint_every=3, validate_every=10**6)


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten() for value in trainer.unet.state_dict().values()])


def train(trainer: Trainer, until: int) -> Trainer:
    """Steps in this process, so that no worker is spawned."""
    from dcvsr_engine.training.data import Batches

    data = Batches(trainer.photos.training, trainer.recipe)
    while trainer.iteration < until:
        trainer.step(*data[trainer.iteration])
    return trainer


@pytest.mark.parametrize("frames", [1, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(start: Path, photos: Photographs, tmp_path: Path, frames: int) -> None:
    whole = train(Trainer(recipe(start, frames=frames), tmp_path / "whole", photos), 4)
    train(Trainer(recipe(start, frames=frames), tmp_path / "parts", photos), 2).checkpoint()
    resumed = Trainer(recipe(start, frames=frames), tmp_path / "parts", photos)
    assert resumed.iteration == 2
    assert torch.allclose(weights(train(resumed, 4)), weights(whole), atol=1e-6)


def test_loss_falls(start: Path, photos: Photographs, tmp_path: Path) -> None:
    trainer = Trainer(recipe(start, 60), tmp_path / "run", photos)
    from dcvsr_engine.training.data import Batches

    clips, upscaled = Batches(photos.training, trainer.recipe)[0]
    losses = [trainer.step(clips, upscaled) for _ in range(40)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_the_export_is_a_checkpoint_the_engine_loads(start: Path, photos: Photographs, tmp_path: Path) -> None:
    trainer = train(Trainer(recipe(start), tmp_path / "run", photos), 1)
    trainer.checkpoint()
    folder = tmp_path / "run" / "ema"
    declaration = Declaration("tiny", "Tiny", "haar", 4, 2, added_time_ids=(0.0, 0.0, 0.0), image_embedding="none")
    (folder / "dcvsr.json").write_text(declaration.to_json())
    model = load(str(folder), "cpu", "fp32")
    own = trainer.ema["conv_in.weight"]
    assert torch.allclose(model.unet.state_dict()["conv_in.weight"], own, atol=1e-3)


def test_run_logs_and_validates(start: Path, photos: Photographs, tmp_path: Path) -> None:
    large = [torch.nn.functional.interpolate(p[None].float(), size=(300, 300))[0].byte() for p in photos.held_out]
    trainer = Trainer(recipe(start, 2), tmp_path / "run", Photographs(photos.training, large))
    lines: list[str] = []
    trainer.run(lines.append)
    assert trainer.iteration == 2
    assert sum("PSNR" in line for line in lines) == 4
    assert (tmp_path / "run" / "validation.csv").read_text().count("\n") == 5


def test_synthetic_clips_follow_the_seed(photos: Photographs) -> None:
    import random

    first, again = (synthetic_clip(random.Random(1), photos.training, 5, 32) for _ in range(2))
    assert first.shape == (5, 3, 32, 32)
    assert torch.equal(first, again)
    assert first.min() >= 0
    assert first.max() <= 1


def test_photographs_are_found_by_package_folders(tmp_path: Path) -> None:
    folder = tmp_path / "usr/share/games/endless-sky/images/land"
    folder.mkdir(parents=True)
    Image.new("RGB", (720, 360), (10, 20, 30)).save(folder / "beach0.jpg")
    photos = Photographs.load([tmp_path])
    assert len(photos.training) + len(photos.held_out) == 1
    with pytest.raises(InputError, match="install"):
        Photographs.load([tmp_path / "nowhere"])


def test_the_shipped_recipe_reads() -> None:
    shipped = read_recipe(Path(__file__).parents[3] / "resources" / "recipes" / "compact.json")
    assert shipped.iterations == sum(phase.iterations for phase in shipped.phases)
    assert Recipe.from_file(Path(__file__).parents[3] / "resources/recipes/compact.json") == shipped
