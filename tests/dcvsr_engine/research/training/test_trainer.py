"""A tiny training run: loss falls, a resumed run equals an uninterrupted one, the export loads in the engine and restores."""

import csv
from pathlib import Path
from typing import Any

import jobs
import networks
import pytest
import torch
import torch.nn.functional as F
from diffusers import UNetSpatioTemporalConditionModel
from PIL import Image
from safetensors.torch import load_file, save_file

from dcvsr_engine.cli import main
from dcvsr_engine.errors import Cancelled, InputError, JobError, SettingsError
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.network.checkpoint import load_network
from dcvsr_engine.research.training.data import Batches, TrainingData, load_photographs
from dcvsr_engine.research.training.motion import synthetic_clip
from dcvsr_engine.research.training.objective import denoise
from dcvsr_engine.research.training.recipe import STATE, Recipe, TrainingPhase, Validation
from dcvsr_engine.research.training.start import narrowed, starting_network
from dcvsr_engine.research.training.trainer import Trainer, learning_rate
from dcvsr_engine.research.training.validation import is_best

TABLES = ("log.csv", "loss_by_sigma.csv", "validation.csv")


def recipe(start: Path, iterations: int = 6, frames: int = 1, **changes: Any) -> Recipe:
    phase = TrainingPhase(iterations=iterations, frames=frames, batch=2, size=32, learning_rate=1e-3, warmup=1)
    values = {
        "bf16": (),
        "checkpoint_every": 3,
        "validate_every": 10**6,
        "validation": Validation(clips=2, frames=frames, size=32, steps=(1, 2)),
    }
    return Recipe(name="tiny", start=str(start), phases=(phase,), scratch=True, **(values | changes))


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten() for value in trainer.unet.state_dict().values()])


def enlarged(trainer: Trainer, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips and their ``I_up``, as the loss takes them."""
    clips, low = batch
    return clips, trainer.start.enlarge(low)


def train(trainer: Trainer, until: int) -> Trainer:
    """Steps in this process, so that no worker is spawned."""
    data = Batches(trainer.data.training, trainer.recipe.times(trainer.recipe.accumulate))
    while trainer.state.iteration < until:
        trainer.step(*data[trainer.position])
    return trainer


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """A table without what no two runs share."""
    with (folder / table).open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


class Stopped(Trainer):
    """Stops, or is killed, after ``batches`` batches."""

    batches_left, killed = 0, False

    def step(self, clips: torch.Tensor, low: torch.Tensor) -> float:
        loss = super().step(clips, low)
        self.batches_left -= 1
        if self.batches_left == 0 and self.killed:
            raise MemoryError
        if self.batches_left == 0:
            self.stop()
        return loss


@pytest.mark.parametrize(("frames", "batches", "killed"), [(1, 4, False), (2, 7, True)])
def test_a_resumed_run_equals_an_uninterrupted_one(start, photos, tmp_path, frames, batches, killed) -> None:
    """Stopped amid the accumulation of iteration 3, or killed after iteration 3 with the last checkpoint at 2."""
    chosen = recipe(start, 4, frames, accumulate=2, log_every=1 + (not killed), checkpoint_every=2, validate_every=2)
    whole = Trainer(chosen, tmp_path / "whole", photos)
    whole.run(lambda sentence: None)

    stopped = Stopped(chosen, tmp_path / "parts", photos)
    stopped.batches_left, stopped.killed = batches + (not killed), killed
    with pytest.raises(MemoryError if killed else Cancelled):
        stopped.run(lambda sentence: None)
    resumed = Trainer(chosen, tmp_path / "parts", photos)
    assert (resumed.state.iteration, resumed.state.part) == ((2, 0) if killed else (2, 1))
    resumed.run(lambda sentence: None)

    assert torch.allclose(weights(resumed), weights(whole), atol=1e-6)
    for table in TABLES:
        assert rows(tmp_path / "parts", table) == rows(tmp_path / "whole", table)


def test_gradients_of_accumulated_batches_are_averaged(start, photos, tmp_path) -> None:
    trainer = Trainer(recipe(start, bf16=()), tmp_path / "run", photos)
    data = Batches(photos.training, trainer.recipe)
    name, weight = next(iter(trainer.state.weights.items()))

    def gradient(number: int) -> torch.Tensor:
        phase, _ = trainer.recipe.phase_at(0)
        trainer.optimizer.zero_grad()
        with trainer.layers(1):
            trainer.loss(*enlarged(trainer, data[number]), phase, torch.Generator().manual_seed(number)).backward()
        assert weight.grad is not None
        return weight.grad.clone()

    mean = (gradient(0) + gradient(1)) / 2
    together = Trainer(recipe(start, bf16=(), accumulate=2), tmp_path / "together", photos)
    seen = []
    together.move = lambda rate: seen.append(together.state.weights[name].grad.clone())  # type: ignore[method-assign]
    for number in range(2):
        together.step(*data[number])
    assert torch.allclose(seen[0], mean, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 3])
def test_gradient_checkpointing_changes_no_gradient(start, photos, tmp_path, frames) -> None:
    """Also where temporal layers are skipped, which has to hold while activations are computed again."""
    trainers = [
        train(Trainer(recipe(start, frames=frames, bf16=(), gradient_checkpointing=again), tmp_path / str(again), photos), 1)
        for again in (False, True)
    ]
    assert torch.allclose(weights(trainers[0]), weights(trainers[1]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_compiled_network_has_the_same_gradient(start, photos, tmp_path) -> None:
    losses, gradients = [], []
    for chosen in (False, True):
        trainer = Trainer(recipe(start, compile=chosen), tmp_path / str(chosen), photos)
        phase, _ = trainer.recipe.phase_at(0)
        with trainer.layers(1):
            batch = enlarged(trainer, Batches(photos.training, trainer.recipe)[0])
            loss = trainer.loss(*batch, phase, torch.Generator().manual_seed(0))
            loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(torch.cat([w.grad.flatten() for w in trainer.state.weights.values() if w.grad is not None]))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-3 * float(gradients[0].abs().max()))


def test_a_state_of_the_first_edition_resumes(start, photos, tmp_path) -> None:
    whole = train(Trainer(recipe(start), tmp_path / "whole", photos), 2)
    whole.checkpoint()
    tensors = load_file(tmp_path / "whole" / STATE)
    old = {name: value for name, value in tensors.items() if name not in ("part", "log")}
    (tmp_path / "old" / "last").mkdir(parents=True)
    save_file(old, tmp_path / "old" / STATE)
    resumed = Trainer(recipe(start), tmp_path / "old", photos)
    assert torch.allclose(weights(train(resumed, 3)), weights(train(whole, 3)), atol=1e-6)


def test_a_state_of_another_network_is_refused(start, photos, tmp_path) -> None:
    (tmp_path / "run" / "last").mkdir(parents=True)
    save_file({"unet.conv_in.weight": torch.zeros(1), "iteration": torch.tensor(3)}, tmp_path / "run" / STATE)
    with pytest.raises(JobError, match="another network"):
        Trainer(recipe(start), tmp_path / "run", photos)
    (tmp_path / "run" / STATE).write_bytes(b"half a file")
    with pytest.raises(JobError, match="damaged"):
        Trainer(recipe(start), tmp_path / "run", photos)


def test_a_phase_in_tiles_trains_and_logs_the_steps_from_noisy_targets_only(start, photos, tmp_path) -> None:
    phase = TrainingPhase(iterations=2, frames=4, batch=2, size=48, tile=8, window=3, unrolled=0.5, change=1.0, lattice=1.0)
    trainer = Trainer(Recipe(name="tiny", start=str(start), phases=(phase,), scratch=True, seed=1), tmp_path / "run", photos)
    before = weights(trainer)
    train(trainer, 2)
    assert not torch.equal(weights(trainer), before)
    assert 0 < trainer.log.sums[1:, 1].sum() < 4


def test_flicker_costs_where_the_phase_minds_it(start, photos, tmp_path) -> None:
    """A perceptual loss that finds all frames of a clip as good, in a phase with the weight and one without."""

    def judge(pictures: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        return (pictures - others).abs().flatten(1).mean(1)

    trainer = Trainer(recipe(start), tmp_path, photos, perceptual=judge)
    still = torch.full((6, 3, 80, 80), 0.5)
    flickering = still + 0.1 * torch.tensor([1.0, -1.0, 1.0]).repeat(2).view(6, 1, 1, 1)
    for weight, loss in ((0.0, 2 * 0.1), (3.0, 2 * 0.1 + 3 * 0.2)):
        phase = TrainingPhase(iterations=2, frames=3, batch=2, size=80, perceptual=2.0, change_in_look=weight)
        assert trainer.picture_loss(flickering, still, phase, torch.Generator()).item() == pytest.approx(loss, rel=1e-4)
        assert trainer.picture_loss(still, still, phase, torch.Generator()).item() == 0


def test_an_adversarial_run_resumes_exactly_and_may_begin_from_a_state_without_an_adversary(start, photos, tmp_path) -> None:
    plain = recipe(start, 4, 3)
    phase = plain.phases[0].replace(adversarial=1.0)
    chosen = plain.replace(phases=(phase,), critic_channels=4)
    whole = train(Trainer(chosen, tmp_path / "whole", photos), 4)
    half = train(Trainer(chosen, tmp_path / "half", photos), 2)
    half.checkpoint()
    resumed = train(Trainer(chosen, tmp_path / "half", photos), 4)
    assert torch.equal(weights(resumed), weights(whole))
    without = train(Trainer(plain, tmp_path / "plain", photos), 4)
    assert not torch.equal(weights(without), weights(whole)), "the critic changes what is learned"
    (tmp_path / "new").mkdir()
    without.state.save(tmp_path / "new" / STATE, {"log": without.log.sums})
    assert Trainer(chosen, tmp_path / "new", photos).state.iteration == 4


def test_a_narrow_network_keeps_what_is_left_of_the_wide_one() -> None:
    wide = networks.unet(block_out_channels=(32, 64))
    changes = {"block_out_channels": (32, 32), "down_block_types": ("DownBlockSpatioTemporal",) * 2}
    narrow = narrowed(wide, changes, seed=0).eval()
    sample = torch.randn(1, 2, 8, 16, 16)
    assert torch.equal(narrow.conv_in(sample[0]), wide.conv_in(sample[0]))
    for block, layer, below in ((0, 0, (64, 32)), (0, 1, (64, 32)), (1, 0, (64, 32)), (1, 1, (32, 32))):
        # what the levels below said left out, each layer makes the same of its skip connection
        layers = [network.up_blocks[block].resnets[layer].spatial_res_block.conv1 for network in (wide, narrow)]
        skips = [convolution.in_channels - channels for convolution, channels in zip(layers, below, strict=True)]
        skip = F.pad(torch.randn(1, skips[1], 8, 8), (0, 0, 0, 0, 0, skips[0] - skips[1]))
        full, part = (
            convolution(torch.cat([torch.zeros(1, channels, 8, 8), skip[:, :joined]], 1))
            for convolution, channels, joined in zip(layers, below, skips, strict=True)
        )
        torch.testing.assert_close(part, full[:, : part.shape[1]])
    with pytest.raises(SettingsError, match="“narrow” does not fit"):
        narrowed(wide, {"block_out_channels": (32, 96)}, seed=0)


def test_a_narrow_network_learns_from_the_one_it_was_cut_from(start, photos, tmp_path) -> None:
    starting_network(start / "unet", scratch=True, seed=0).save_pretrained(start / "unet")
    narrow = {"down_block_types": ["DownBlockSpatioTemporal"] * 2}
    plain = recipe(start, 40, 3).replace(scratch=False, narrow=narrow)
    distances = []
    for taught in (0.0, 100.0):
        trainer = Trainer(plain.replace(phases=(plain.phases[0].replace(taught=taught),)), tmp_path / str(taught), photos)
        batch = Batches(photos.training, trainer.recipe)[0]
        for _ in range(4):
            trainer.step(*batch)
        distances.append(distance_from(trainer, batch))
    assert distances[1] < 0.5 * distances[0]


def distance_from(trainer: Trainer, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Mean squared difference of the network's and the start's estimates at σ_max."""
    upscaled = enlarged(trainer, batch)[1]
    conditioning = trainer.start.encode_condition(upscaled)
    x = 20 * torch.randn(conditioning.condition.shape, generator=torch.Generator().manual_seed(0))
    wide = load_network(UNetSpatioTemporalConditionModel, trainer.start.folder / "unet")
    with torch.no_grad():
        made, example = (denoise(unet, x, torch.tensor([20.0, 20.0]), conditioning) for unet in (trainer.unet, wide))
    return F.mse_loss(made, example).item()


def test_a_gradient_that_is_not_finite_ends_the_run_before_it_does_harm(start, photos, tmp_path) -> None:
    trainer = Trainer(recipe(start), tmp_path / "run", photos)
    before = weights(trainer)
    clips, low = Batches(photos.training, trainer.recipe)[0]
    with pytest.raises(JobError, match="iteration 1 is not finite"):
        trainer.step(clips * torch.inf, low)
    assert torch.equal(weights(trainer), before)


def test_two_frames_in_bf16_on_the_processor_are_refused(start, photos, tmp_path) -> None:
    """Because their gradient is wrong there."""
    with pytest.raises(SettingsError, match="Two frames"):
        Trainer(recipe(start, frames=2, bf16=("cpu",)), tmp_path / "run", photos)
    Trainer(recipe(start, frames=2), tmp_path / "run", photos)


def test_loss_falls(start, photos, tmp_path) -> None:
    trainer = Trainer(recipe(start, 60), tmp_path / "run", photos)
    batch = Batches(photos.training, trainer.recipe)[0]
    losses = [trainer.step(*batch) for _ in range(20)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_the_rate_is_constant_or_falls_to_a_tenth() -> None:
    cosine, constant = (
        TrainingPhase(iterations=100, learning_rate=1.0, warmup=10, schedule=kind) for kind in ("cosine", "constant")
    )
    assert [learning_rate(phase, 4) for phase in (cosine, constant)] == [0.5, 0.5]
    assert learning_rate(cosine, 99) == pytest.approx(0.1, abs=0.01)
    assert learning_rate(cosine, 55) == pytest.approx(0.55)
    assert learning_rate(constant, 99) == 1.0


def test_a_run_logs_validates_and_gives_a_model_that_restores(start, photos, tmp_path, capsys) -> None:
    folder = tmp_path / "run"
    trainer = Trainer(recipe(start, 2, log_every=1, declaration={"title": "Ours", "steps": 1, "scale": 2}), folder, photos)
    lines: list[str] = []
    trainer.run(lines.append)
    assert sum("PSNR" in line for line in lines) == 3
    by_sigma = rows(folder, "loss_by_sigma.csv")
    assert sum(int(row["samples"]) for row in by_sigma) == 2 * 2
    assert all(bool(row["loss"]) == (int(row["samples"]) > 0) for row in by_sigma)
    with Image.open(folder / "samples" / "000002.png") as sheet:
        assert sheet.size == (4 * (32 + 4), 2 * (32 + 4))

    model = load_model(str(folder / "best"), "cpu", "fp32")
    assert model.declaration.title == "Ours"
    assert torch.allclose(model.unet.state_dict()["conv_in.weight"], trainer.state.ema["conv_in.weight"], atol=1e-3)
    clip = jobs.short_clip(tmp_path / "clip.mkv", frames=3)
    assert main(["restore", str(clip), "--model", str(folder / "ema"), "-o", str(tmp_path / "out.mp4")]) == 0
    assert (tmp_path / "out.mp4").stat().st_size > 0


@pytest.mark.parametrize("judged", [False, True])
def test_the_best_is_found_by_the_judge_or_by_psnr(tmp_path, judged) -> None:
    table = tmp_path / "validation.csv"

    def add(iteration: int, psnr: float, distance: float) -> bool:
        with table.open("a") as file:
            if file.tell() == 0:
                file.write("iteration,steps,psnr,st_lpips\n")
            file.write(f"{iteration},bicubic,99,0\n")
            file.write(f"{iteration},1,{psnr},{distance if judged else ''}\n{iteration},4,1.0,{'9.0' if judged else ''}\n")
        return is_best(table)

    assert add(1, 20.0, 0.4)
    assert add(2, 19.0, 0.3) == judged
    assert add(3, 21.0, 0.5) != judged


def test_synthetic_clips_follow_the_seed(photos) -> None:
    import random

    first, again = (synthetic_clip(random.Random(1), photos.training.photographs, 5, 32) for _ in range(2))
    assert first.shape == (5, 3, 32, 32)
    assert torch.equal(first, again)
    assert first.min() >= 0
    assert first.max() <= 1


def test_photographs_are_found_by_package_folders(tmp_path) -> None:
    folder = tmp_path / "usr/share/games/endless-sky/images/land"
    folder.mkdir(parents=True)
    Image.new("RGB", (720, 360), (10, 20, 30)).save(folder / "beach0.jpg")
    assert sorted(len(pictures) for pictures in load_photographs([tmp_path])) == [0, 1]
    with pytest.raises(InputError, match="install"):
        TrainingData.load(Recipe(name="tiny", start="start", phases=(TrainingPhase(iterations=1),)), [tmp_path / "nowhere"], [])


def test_quick_layers_have_the_loss_of_the_plain_ones_on_a_device_that_asks_for_them(start, photos, tmp_path) -> None:
    plain, quick = (
        Trainer(recipe(start, 2, 3, quick=devices), tmp_path / str(len(devices)), photos) for devices in ((), ("cpu",))
    )
    assert {type(module) for module in quick.unet.modules()} != {type(module) for module in plain.unet.modules()}
    batch = Batches(photos.training, plain.recipe)[0]
    for _ in range(2):
        assert quick.step(*batch) == pytest.approx(plain.step(*batch), rel=1e-4)
