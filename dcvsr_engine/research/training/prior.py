"""Training of the prior: Charbonnier loss, Adam, EMA, and checkpoints that resume at the exact batch."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dcvsr_engine.errors import Cancelled, JobError, SettingsError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.upsampler import Enlarged, Upsampler
from dcvsr_engine.network.upsampler_config import UpsamplerConfig
from dcvsr_engine.research.training.data import begin_worker
from dcvsr_engine.research.training.log import append_row, forget_after, read_rows
from dcvsr_engine.research.training.objective import Distance
from dcvsr_engine.research.training.pool import Crops, Pool
from dcvsr_engine.research.training.prior_recipe import PriorPhase, PriorRecipe
from dcvsr_engine.research.training.recipe import STATE, TRAINING_SCALE
from dcvsr_engine.research.training.schedule import Course, learning_rate, resumed_course
from dcvsr_engine.research.training.state import TrainingState
from dcvsr_engine.settings import Device
from dcvsr_engine.storage import discard, partial_path, put_in_place, write_text

SOFT = 1e-3
"""ε of the Charbonnier loss."""

BT601_LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""Y of BT.601 in limited range, without its offset, of RGB 0..1."""

VALIDATION_BATCH = 8
"""Held-out clips per batch."""


def charbonnier(error: Tensor) -> Tensor:
    """Compute the mean of ``√(e² + ε²)`` over an error of any shape (Charbonnier et al. 1994)."""
    return (error.square() + SOFT**2).sqrt().mean()


def negative_log_likelihood(error: Tensor, log_error: Tensor) -> Tensor:
    """Compute the mean negative log-likelihood, up to a constant, of an error under a Laplace distribution.

    The error is detached: this teaches how large it will be, not to make it smaller.

    Args:
        error: ``(n, 3, h, w)``.
        log_error: ln of the distribution's scale ``(n, 1, h, w)``.

    Returns:
        A scalar.
    """
    # detached: a gradient here would trade errors for certainty
    size = error.detach().abs().mean(1, keepdim=True)
    return (size * (-log_error).exp() + log_error).mean()


def mean_psnr_y(pictures: Tensor, truth: Tensor) -> float:
    """Average PSNR of Y, peak 255, over RGB pictures 0..1 ``(n, 3, h, w)``, in dB."""
    error = ((pictures.clamp(0, 1) - truth) * torch.tensor(BT601_LUMA).view(3, 1, 1)).sum(1)
    return float(-10 * error.square().mean((1, 2)).log10().mean())


def new_network(recipe: PriorRecipe) -> Upsampler:
    """Load the network that a run starts from, or initialise it.

    Raises:
        ModelError: the start folder cannot be used.
        SettingsError: it holds a network of another shape than the recipe's.
    """
    config = UpsamplerConfig(channels=recipe.channels, blocks=recipe.blocks, frames=recipe.window, scale=TRAINING_SCALE)
    if not recipe.start:
        torch.manual_seed(recipe.seed)
        return Upsampler(config)
    network = Upsampler.from_folder(Path(recipe.start))
    if network.config != config:
        raise SettingsError(f"The upsampler in “{recipe.start}” has another shape than the recipe's: {network.config.to_dict()}.")
    return network.requires_grad_(True).train()


@dataclass(frozen=True)
class CropBatches(Dataset[Crops]):
    """The run's batches by iteration: a function of seed and iteration, so that a resumed run sees the same crops."""

    pool: Pool
    recipe: PriorRecipe

    def __len__(self) -> int:
        return self.recipe.iterations

    def __getitem__(self, iteration: int) -> Crops:
        recipe, (phase, _) = self.recipe, self.recipe.phase_at(iteration)
        rng = random.Random(f"{recipe.seed}/{iteration}")
        return self.pool.crops(rng, recipe.shares(phase), phase.size, phase.batch, recipe.window)

    def begin(self, iteration: int) -> Iterator[Crops]:
        """Yield the batches from ``iteration`` to the end of the recipe, cut in the recipe's worker processes."""
        order = range(iteration, len(self))
        workers = self.recipe.crop_workers
        return iter(DataLoader(self, batch_size=None, sampler=order, num_workers=workers, worker_init_fn=begin_worker))


class PriorTrainer:
    """Trains one recipe in a folder, from the pools in its ``pool/``; construct it again on the same folder to resume.

    Attributes:
        judge: distance to validate with; ``None`` for PSNR alone.
        network: under training.
        course: as of the `trainer.Trainer`.
        stopping: set by `stop`.
        sums: of the losses since the log's last row: Charbonnier, likelihood, batches.
    """

    processes = 1

    def __init__(self, recipe: PriorRecipe, folder: Path, judge: Distance | None = None, device: Device = "cpu") -> None:
        self.recipe, self.folder, self.device = recipe, folder, torch.device(device)
        self.judge = judge.to(self.device) if isinstance(judge, nn.Module) else judge
        self.training, self.held_out = (Pool(folder / "pool" / name) for name in ("training", "held-out"))
        self.network = new_network(recipe).to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=0.0, betas=(0.9, 0.99))
        self.state = TrainingState(self.network, self.optimizer)
        self.course = Course(recipe)
        self.stopping = False
        self.sums = torch.zeros(3, dtype=torch.float64)
        self.began = time.monotonic()
        if (folder / STATE).exists():
            tensors = self.state.load(folder / STATE)
            self.sums, self.course = tensors.get("log", self.sums), resumed_course(recipe, tensors)
        write_text(folder / "recipe.json", recipe.to_json())
        for table in ("log.csv", "validation.csv"):
            forget_after(folder / table, self.state.iteration)

    def stop(self) -> None:
        """End `run` after the current batch, with a checkpoint."""
        self.stopping = True

    def run(self, report: Callable[[str], None] = print, until: int | None = None) -> None:
        """Train to the end of the recipe; raises `Cancelled` after `stop`, or when iteration ``until`` is done."""
        for crops in self.batches():
            self.step(crops)
            self.course.advance()
            self.finish_iteration(report)
            if self.stopping or self.state.iteration == until:
                self.checkpoint()
                raise Cancelled

    def batches(self) -> Iterator[Crops]:
        """Yield the batches from the current iteration; workers begin anew where a phase ends by the clock."""
        while not self.course.is_over(self.state.iteration):
            phase, _ = self.course.place(self.state.iteration)
            for crops in CropBatches(self.training, self.course.ahead(phase)).begin(self.state.iteration):
                yield crops
                if self.course.has_left(phase):
                    break

    def step(self, crops: Crops) -> None:
        """Train on one batch: one optimiser step."""
        phase, index = self.course.place(self.state.iteration)
        self.loss(crops, phase).backward()
        self.move(learning_rate(phase, index))

    def loss(self, crops: Crops, phase: PriorPhase) -> Tensor:
        """Compute the objective of a batch, a scalar, and add it to the log's sums."""
        enlarged = self.enlarge(crops)
        error = enlarged.pictures - crops.truth.to(self.device) / 255
        distance, likelihood = charbonnier(error), negative_log_likelihood(error, enlarged.log_error)
        self.sums = self.sums + torch.tensor([distance.item(), likelihood.item(), 1], dtype=torch.float64)
        return distance + phase.uncertainty * likelihood

    def enlarge(self, crops: Crops) -> Enlarged:
        """Enlarge a batch, in bfloat16 where the recipe asks for it."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type in self.recipe.bf16):
            enlarged: Enlarged = self.network(crops.windows.to(self.device) / 255)
        return enlarged

    def move(self, rate: float) -> None:
        """Make one optimiser step; raises `JobError` where the gradient is not finite, and the weights stay as they were."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if not torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0).isfinite():
            raise JobError(
                f"The gradient of iteration {self.state.iteration + 1} is not finite: resume with a lower learning rate; "
                "the last checkpoint is intact."
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.state.iteration += 1
        self.state.update_ema(self.recipe.ema)

    def finish_iteration(self, report: Callable[[str], None]) -> None:
        """Log, validate and save where this iteration is due."""
        recipe, iteration = self.recipe, self.state.iteration
        done = self.course.is_over(iteration)
        if iteration % recipe.log_every == 0:
            report(self.write_log())
        if done or iteration % recipe.validate_every == 0:
            self.validate(report)
        if done or iteration % recipe.checkpoint_every == 0:
            self.checkpoint()

    def write_log(self) -> str:
        """Append a row to ``log.csv`` and return it as text."""
        iteration, count = self.state.iteration, float(self.sums[2])
        distance, likelihood = (f"{float(value) / count:.6f}" for value in self.sums[:2])
        seconds = f"{(time.monotonic() - self.began) / self.recipe.log_every:.3f}"
        row: list[object] = [iteration, distance, likelihood, seconds]
        append_row(self.folder / "log.csv", ["iteration", "charbonnier", "likelihood", "seconds"], row)
        self.sums, self.began = torch.zeros_like(self.sums), time.monotonic()
        return f"{self.course.told(iteration)}  loss {distance}  likelihood {likelihood}  {seconds} s"

    @torch.no_grad()
    def validate(self, report: Callable[[str], None]) -> None:
        """Enlarge the held-out clips with the averaged weights, the first time by bicubic interpolation as well."""
        first = not read_rows(self.folder / "validation.csv")
        for kind in self.held_out.shards:
            crops = self.held_out.middles(kind, self.recipe.window)
            pictures = {"prior": self.restored(crops)}
            if first:
                middle = crops.windows[:, crops.windows.shape[1] // 2]
                pictures = {"bicubic": upscale(middle / 255, TRAINING_SCALE)} | pictures
            for method, made in pictures.items():
                judgement = self.judged(kind, method, made, crops.truth / 255)
                report(f"validation at {self.state.iteration}: {kind} {method}  {judgement}")

    def restored(self, crops: Crops) -> Tensor:
        """Enlarge clips with the averaged weights in full precision; returns RGB 0..1 ``(n, 3, h, w)`` on the processor."""
        with self.state.averaged():
            parts = [self.network(windows.to(self.device) / 255) for windows in crops.windows.split(VALIDATION_BATCH)]
        return torch.cat([part.pictures.clamp(0, 1).cpu() for part in parts])

    def judged(self, kind: str, method: str, pictures: Tensor, truth: Tensor) -> str:
        """Append a row of ``validation.csv`` and return it as text.

        Args:
            kind: degradation of the clips.
            method: ``"prior"`` or ``"bicubic"``.
            pictures, truth: RGB 0..1 ``(n, 3, h, w)``.
        """
        quality, distance = f"{mean_psnr_y(pictures, truth):.3f}", ""
        if self.judge is not None:
            pairs = zip(pictures.split(VALIDATION_BATCH), truth.split(VALIDATION_BATCH), strict=True)
            distances = [self.judge(made.to(self.device), true.to(self.device)) for made, true in pairs]
            distance = f"{float(torch.cat(distances).mean()):.4f}"
        row: list[object] = [self.state.iteration, kind, method, quality, distance]
        append_row(self.folder / "validation.csv", ["iteration", "degradation", "method", "psnr_y", "st_lpips"], row)
        return f"PSNR-Y {quality} dB" + (f"  ST-LPIPS {distance}" if distance else "")

    def checkpoint(self) -> None:
        """Write the state, and the averaged weights as ``upsampler/``."""
        self.state.save(self.folder / STATE, {"log": self.sums} | self.course.record())
        folder = self.folder / "upsampler"
        partial = partial_path(folder)
        partial.mkdir()
        try:
            with self.state.averaged():
                self.network.save(partial)
            put_in_place(partial, folder)
        finally:
            discard(partial)
