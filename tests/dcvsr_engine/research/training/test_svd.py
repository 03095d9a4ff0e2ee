"""Fine-tuning a folder in SVD's layout: the network's inputs, dropout, adapters, and the export in the published layout."""

import json
from pathlib import Path
from typing import Any

import jobs
import networks
import pytest
import torch
from torch import Tensor

from dcvsr_engine.cli import main
from dcvsr_engine.errors import ModelError, SettingsError
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.research.training.data import Batches
from dcvsr_engine.research.training.export import export
from dcvsr_engine.research.training.lora import merged_weights
from dcvsr_engine.research.training.recipe import Recipe, TrainingPhase
from dcvsr_engine.research.training.trainer import Trainer

DECLARED = {"title": "Ours", "scale": 2, "steps": 1, "tile": 16, "window": 4, "guidance": "none"}


@pytest.fixture
def svd(tmp_path: Path) -> Path:
    """A folder as stable-video-diffusion-img2vid without its image encoder, and without a declaration."""
    folder = tmp_path / "stable-video-diffusion-img2vid"
    networks.unet().save_pretrained(folder / "unet")
    networks.vae().save_pretrained(folder / "vae")
    return folder


def recipe(start: Path, **changes: Any) -> Recipe:
    phase = TrainingPhase(
        iterations=50, frames=3, batch=1, size=32, learning_rate=3e-3, warmup=1, schedule="constant", at_max=0.0
    )
    values: dict[str, Any] = {"sigma_min": 0.01, "sigma_max": 50.0, "sigma_mean": 0.7, "bf16": (), "ema": 0.0}
    return Recipe(name="tiny-svd", start=str(start), phases=(phase,), **(values | {"declaration": DECLARED} | changes))


def enlarged(trainer: Trainer, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Clips and their ``I_up``, as the loss takes them."""
    clips, low = batch
    return clips, trainer.start.enlarge(low)


def given_to_network(trainer: Trainer, clips: Tensor, upscaled: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """What the network was given for one batch."""
    seen: dict[str, Tensor] = {}

    def note(module: object, inputs: tuple[Tensor, ...], options: dict[str, Tensor]) -> None:
        seen.update(options, sample=inputs[0])

    handle = trainer.unet.register_forward_pre_hook(note, with_kwargs=True)
    phase, _ = trainer.recipe.phase_at(0)
    trainer.loss(clips, upscaled, phase, torch.Generator().manual_seed(seed))
    handle.remove()
    return seen


@pytest.mark.parametrize("rank", [0, 4])
def test_loss_falls_on_a_fixed_batch_and_adapters_leave_the_rest_alone(svd, photos, tmp_path, rank) -> None:
    if rank:
        pytest.importorskip("peft")
    chosen = recipe(svd, lora=rank)
    faster = chosen.phases[0].replace(learning_rate=3e-2 if rank else 3e-3)
    trainer = Trainer(chosen.replace(phases=(faster,)), tmp_path / "run", photos)
    frozen = trainer.unet.conv_in.weight.clone()
    batch = Batches(photos.training, trainer.recipe)[0]
    phase, _ = trainer.recipe.phase_at(0)

    def loss() -> float:
        return sum(
            float(trainer.loss(*enlarged(trainer, batch), phase, torch.Generator().manual_seed(seed)).detach())
            for seed in range(2)
        )

    before = loss()
    for _ in range(8):
        trainer.step(*batch)
    assert loss() < (0.98 if rank else 0.95) * before
    assert torch.equal(trainer.unet.conv_in.weight, frozen) == bool(rank)
    assert all(("lora" in name) == bool(rank) for name in trainer.state.weights)


def test_the_network_gets_what_the_engine_will_give_it(svd, photos, tmp_path) -> None:
    """Latents of the enlarged frames, not scaled, beside noisy latents in scaled space; SVD's time ids; no embedding."""
    trainer = Trainer(recipe(svd), tmp_path / "run", photos)
    clips, upscaled = enlarged(trainer, Batches(photos.training, trainer.recipe)[0])
    seen = given_to_network(trainer, clips, upscaled)
    vae = networks.vae()
    latents = [vae.encode(2 * pixels.flatten(0, 1) - 1).latent_dist.mode().unflatten(0, (1, 3)) for pixels in (clips, upscaled)]
    assert torch.allclose(seen["sample"][:, :, networks.CHANNELS :], latents[1], atol=1e-5)
    assert seen["added_time_ids"].tolist() == [[6.0, 127.0, 0.0]]
    assert not seen["encoder_hidden_states"].any()
    target = trainer.start.stage.encode_target(clips.flatten(0, 1), upscaled.flatten(0, 1))
    assert torch.allclose(target.unflatten(0, (1, 3)), latents[0] * vae.config.scaling_factor, atol=1e-5)


def test_dropout_drops_the_declared_part_for_some_of_the_clips(svd, photos, tmp_path) -> None:
    dropping = recipe(svd, dropout=0.5, declaration=DECLARED | {"unconditional": ["condition"]})
    trainer = Trainer(dropping, tmp_path / "run", photos)
    batch = enlarged(trainer, Batches(photos.training, trainer.recipe)[0])
    kept = [given_to_network(trainer, *batch, seed)["sample"][:, :, networks.CHANNELS :].flatten(1).any(1) for seed in range(8)]
    assert 0 < torch.cat(kept).sum() < 8
    whole = dropping.replace(dropout=0.0)
    trainer.recipe = whole
    assert given_to_network(trainer, *batch)["sample"][:, :, networks.CHANNELS :].flatten(1).any(1).all()


def test_the_first_frame_is_given_through_clip_and_dropped(svd, photos, tmp_path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14,
        projection_dim=networks.EMBEDDING,
    )  # fmt: skip
    transformers.CLIPVisionModelWithProjection(config).save_pretrained(svd / "image_encoder")
    (svd / "feature_extractor").mkdir()
    means = {"image_mean": [0.5] * 3, "image_std": [0.2] * 3}
    (svd / "feature_extractor" / "preprocessor_config.json").write_text(json.dumps(means))
    seeing = recipe(svd, dropout=0.5, declaration=DECLARED | {"image_embedding": "first-frame"})
    trainer = Trainer(seeing, tmp_path / "run", photos)
    batch = enlarged(trainer, Batches(photos.training, trainer.recipe)[0])
    embeddings = torch.cat([given_to_network(trainer, *batch, seed)["encoder_hidden_states"] for seed in range(10)])
    dropped = ~embeddings.flatten(1).any(1)
    assert 0 < dropped.sum() < len(dropped)
    encoder = trainer.start.image_encoder
    assert encoder is not None
    views = torch.cat([encoder.embed(clip[0]) for clip in batch[1]]).repeat(10, 1, 1)
    assert torch.allclose(embeddings[~dropped], views[~dropped], atol=1e-6)


@pytest.mark.parametrize("rank", [0, 4])
def test_the_export_is_a_unet_over_the_start_folder_and_restores(svd, photos, tmp_path, rank, capsys) -> None:
    if rank:
        pytest.importorskip("peft")
    trainer = Trainer(recipe(svd, lora=rank), tmp_path / "run", photos)
    batch = Batches(photos.training, trainer.recipe)[0]
    for _ in range(3):
        trainer.step(*batch)
    folder = tmp_path / "model"
    export(trainer.start, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["dcvsr.json", "unet_ema"]

    model = load_model(str(folder), "cpu", "fp32")
    inputs = torch.randn(1, 3, 2 * networks.CHANNELS, 8, 8), torch.tensor(0.3), torch.zeros(1, 1, networks.EMBEDDING)
    own, engines = (unet(*inputs, added_time_ids=torch.ones(1, 3)).sample for unet in (trainer.unet.eval(), model.unet))
    assert torch.allclose(own, engines, atol=2e-2 * float(own.detach().abs().max()))
    untrained = networks.unet()(*inputs, added_time_ids=torch.ones(1, 3)).sample
    assert (own - engines).abs().max() < 0.1 * (own - untrained).abs().max()
    assert model.declaration.title == "Ours"

    clip = jobs.short_clip(tmp_path / "clip.mkv", frames=3)
    assert main(["restore", str(clip), "--model", str(folder), "-o", str(tmp_path / "out.mp4")]) == 0
    assert (tmp_path / "out.mp4").stat().st_size > 0


def test_merged_adapters_compute_what_the_adapted_network_computes(svd, photos, tmp_path) -> None:
    pytest.importorskip("peft")
    trainer = Trainer(recipe(svd, lora=4), tmp_path / "run", photos)
    for _ in range(2):
        trainer.step(*Batches(photos.training, trainer.recipe)[0])
    plain = networks.unet()
    plain.load_state_dict(merged_weights(trainer.unet))
    inputs = torch.randn(1, 3, 2 * networks.CHANNELS, 8, 8), torch.tensor(0.3), torch.zeros(1, 1, networks.EMBEDDING)
    own, merged = (unet(*inputs, added_time_ids=torch.ones(1, 3)).sample for unet in (trainer.unet.eval(), plain))
    assert torch.allclose(own, merged, atol=1e-4)


def test_adapters_resume(svd, photos, tmp_path) -> None:
    pytest.importorskip("peft")
    whole = Trainer(recipe(svd, lora=2), tmp_path / "run", photos)
    data = Batches(photos.training, whole.recipe)
    whole.step(*data[0])
    whole.checkpoint()
    whole.step(*data[1])
    resumed = Trainer(recipe(svd, lora=2), tmp_path / "run", photos)
    resumed.step(*data[1])
    ours, theirs = merged_weights(whole.unet), merged_weights(resumed.unet)
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)


def test_what_is_missing_is_named(svd, photos, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(ModelError, match=r"pip install dcvsr-studio\[train\]"):
        Trainer(recipe(svd, lora=4), tmp_path / "run", photos)
    with pytest.raises(SettingsError, match="for the compact model"):
        phase = TrainingPhase(iterations=5, frames=3, size=32, lattice=1.0)
        Trainer(recipe(svd).replace(phases=(phase,)), tmp_path / "run", photos)
    (svd / "vae" / "config.json").unlink()
    with pytest.raises(ModelError, match="incomplete"):
        Trainer(recipe(svd), tmp_path / "run", photos)
