"""The training loop: EDM objective, accumulated gradients, EMA, validation, and checkpoints that resume at the exact batch.

Several GPUs: started by ``accelerate launch``, each process takes every n-th batch and averages gradients with the others.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor
from torch.utils.data import DataLoader

from dcvsr_engine.errors import Cancelled, JobError
from dcvsr_engine.network.checkpoint import load_network
from dcvsr_engine.research.training.adversary import PAIR, Adversary
from dcvsr_engine.research.training.data import TrainingData, begin_worker
from dcvsr_engine.research.training.export import export
from dcvsr_engine.research.training.log import LossLog, append_row, forget_after
from dcvsr_engine.research.training.objective import (
    Distance,
    change_error,
    change_in_look,
    denoise,
    draw_sigmas,
    edm_loss,
    excess_detail,
    judged_crops,
    lattice_error,
    training_noise,
    without_temporal_layers,
)
from dcvsr_engine.research.training.pool import PooledData
from dcvsr_engine.research.training.propagation import TiledNetwork
from dcvsr_engine.research.training.quick import quicken_training
from dcvsr_engine.research.training.recipe import STATE, Recipe, TrainingPhase
from dcvsr_engine.research.training.schedule import Course, learning_rate, resumed_course
from dcvsr_engine.research.training.start import Start
from dcvsr_engine.research.training.state import TrainingState
from dcvsr_engine.research.training.validation import contact_sheet, is_best, mean_frame_psnr, restore_held_out
from dcvsr_engine.settings import Device
from dcvsr_engine.storage import write_text

ADVERSARY = "adversary."
"""Prefix of the adversary's tensors in the state."""


def make_adversary(recipe: Recipe, device: torch.device) -> Adversary | None:
    """Make the adversary of a recipe; none where no phase has an adversarial loss."""
    if not any(phase.adversarial > 0 for phase in recipe.phases):
        return None
    return Adversary(recipe.critic_channels, recipe.critic_rate, recipe.seed, device)


def in_range(pictures: Tensor, device: torch.device) -> Tensor:
    """Move RGB to a device, uint8 as 0..1."""
    moved = pictures.to(device)
    return moved if moved.is_floating_point() else moved / 255


class Trainer:
    """Trains one recipe in a folder; construct it again on the same folder to resume.

    Attributes:
        perceptual, judge: distances ``(n,)`` of pictures, one to train on, another to validate with.
        folder: holds ``recipe.json``, the tables, ``last/`` with the state, ``samples/``, and the models ``ema/`` and ``best/``.
        unet: the network; ``tiled`` is the same in tiles that propagate to each other, where a phase has them.
        adversary: where a phase has an adversarial loss.
        teacher: the start folder's network, where a phase is taught by it.
        course: where the run is in its recipe; to be replaced before `run` to go by the clock.
        stopping: set by `stop`.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        data: TrainingData | PooledData,
        perceptual: Distance | None = None,
        judge: Distance | None = None,
        device: Device = "cpu",
    ) -> None:
        self.recipe, self.folder, self.data, self.perceptual, self.judge = recipe, folder, data, perceptual, judge
        # no mixed precision by accelerate: `autocast` covers the network alone, not the first stage and losses
        self.accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no")
        self.device: torch.device = self.accelerator.device
        self.processes: int = self.accelerator.num_processes
        for distance in (perceptual, judge):
            if isinstance(distance, torch.nn.Module):
                distance.to(self.device)
        self.start = Start(recipe, device)
        self.unet = self.start.unet.to(self.device)
        if self.device.type in recipe.quick:
            quicken_training(self.unet)
        if recipe.gradient_checkpointing:
            self.unet.enable_gradient_checkpointing()
        if recipe.compile:
            self.unet.compile()
        trained = [parameter for parameter in self.unet.parameters() if parameter.requires_grad]
        # the rate is set by every `move`
        self.optimizer = torch.optim.AdamW(trained, lr=0.0, betas=(0.9, 0.99), weight_decay=1e-3)
        self.state = TrainingState(self.unet, self.optimizer)
        self.log = LossLog(folder, recipe.sigma_min, recipe.sigma_max)
        in_tiles = any(phase.tile for phase in recipe.phases)
        self.tiled = TiledNetwork(self.start, recipe, device) if in_tiles else None
        self.adversary = make_adversary(recipe, self.device)
        taught = any(phase.taught > 0 for phase in recipe.phases)
        self.teacher = (
            load_network(UNetSpatioTemporalConditionModel, self.start.folder / "unet").to(self.device) if taught else None
        )
        self.course = Course(recipe)
        self.stopping = False
        if (folder / STATE).exists():
            self.resume(self.state.load(folder / STATE))
        if self.accelerator.is_main_process:
            self.prepare_folder()
        self.accelerator.wait_for_everyone()

    def resume(self, tensors: dict[str, Tensor]) -> None:
        """Go on with the log's sums, course and adversary of a state; one without an adversary begins with a new one."""
        self.course = resumed_course(self.recipe, tensors)
        self.log.sums = tensors.get("log", self.log.sums)
        kept = {name.removeprefix(ADVERSARY): value for name, value in tensors.items() if name.startswith(ADVERSARY)}
        if self.adversary is not None and kept:
            self.adversary.restore(kept)

    def adversary_state(self) -> dict[str, Tensor]:
        """Return the adversary's part of the state."""
        tensors = self.adversary.tensors() if self.adversary is not None else {}
        return {f"{ADVERSARY}{name}": value for name, value in tensors.items()}

    def stop(self) -> None:
        """End `run` after the current batch, with a checkpoint."""
        self.stopping = True

    def prepare_folder(self) -> None:
        """Write the recipe, and cut the tables back to the current iteration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "recipe.json", self.recipe.to_json())
        for table in ("log.csv", "loss_by_sigma.csv", "validation.csv"):
            forget_after(self.folder / table, self.state.iteration)

    # -- one step -----------------------------------------------------------------------------------------------

    def loss(self, clips: Tensor, upscaled: Tensor, phase: TrainingPhase, generator: torch.Generator) -> Tensor:
        """Compute the objective: EDM, plus losses on the decoded picture where the phase asks for them.

        Args:
            clips, upscaled: RGB 0..1 ``(batch, frames, 3, size, size)``.
            phase: weights and shares.
            generator: source of random numbers.

        Returns:
            A scalar.
        """
        batch, frames = clips.shape[:2]
        flat, up = clips.flatten(0, 1), upscaled.flatten(0, 1)
        target = self.start.stage.encode_target(flat, up).unflatten(0, (batch, frames)).to(self.device)
        conditioning = self.start.encode_condition(upscaled).augmented(self.start.declaration.condition_noise, generator)
        sigma = self.sigmas(batch, phase, generator)
        noise = training_noise(target.shape, phase.noise_share, self.noise_source(generator)).to(self.device)
        if self.recipe.dropout > 0:
            keep = torch.rand(batch, generator=generator) >= self.recipe.dropout
            conditioning = conditioning.dropped(keep.to(self.device), self.start.declaration.unconditional)
        with self.autocast():
            if self.tiled is not None and phase.tile:
                denoised, sigma = self.tiled.estimates(target, conditioning.condition, noise, sigma, phase, generator)
            else:
                denoised = denoise(self.unet, target + sigma.view(-1, 1, 1, 1, 1) * noise, sigma, conditioning)
        errors = edm_loss(denoised, target, sigma)
        self.log.add_sigmas(sigma, errors)
        loss = errors.mean()
        if self.teacher is not None and phase.taught > 0:
            with torch.no_grad(), self.autocast():
                example = denoise(self.teacher, target + sigma.view(-1, 1, 1, 1, 1) * noise, sigma, conditioning)
            loss = loss + phase.taught * F.mse_loss(denoised, example)
        if max(phase.perceptual, phase.lattice, phase.change, phase.excess, phase.adversarial) > 0:
            # decoding is differentiable: the fixed transform is linear
            picture = self.start.stage.decode(denoised.flatten(0, 1), up)
            loss = loss + self.picture_loss(picture, flat, phase, generator)
            if self.adversary is not None and phase.adversarial > 0:
                loss = loss + phase.adversarial * self.contest(picture.view_as(clips), clips, upscaled, generator)
        return loss

    def contest(self, restored: Tensor, truth: Tensor, enlarged: Tensor, generator: torch.Generator) -> Tensor:
        """Let the critic learn from one pair of frames per clip, and compute how badly the restored one fools it.

        Args:
            restored, truth, enlarged: RGB 0..1 ``(batch, frames, 3, size, size)``.
            generator: source of random numbers.

        Returns:
            A scalar.
        """
        assert self.adversary is not None
        first = int(torch.randint(restored.shape[1] - PAIR + 1, (), generator=generator))
        made, true, seen = (clips[:, first : first + PAIR] for clips in (restored, truth, enlarged))
        with self.autocast():
            error = self.adversary.loss(made, true, seen)
        error.backward()
        self.average_over_processes(self.adversary.critic.parameters())
        self.adversary.learn()
        with self.autocast():
            return self.adversary.fooled(made, seen)

    def noise_source(self, generator: torch.Generator) -> torch.Generator:
        """Return a generator for noise that draws it where it is needed: on a GPU, one that continues ``generator`` there."""
        if self.device.type == "cpu":
            return generator
        seed = int(torch.randint(2**62, (), generator=generator))
        return torch.Generator(self.device).manual_seed(seed)

    def sigmas(self, batch: int, phase: TrainingPhase, generator: torch.Generator) -> Tensor:
        """Draw noise levels ``(batch,)``."""
        recipe = self.recipe
        sigmas = draw_sigmas(
            batch, generator, recipe.sigma_min, recipe.sigma_max, phase.at_max, recipe.sigma_mean, recipe.sigma_deviation
        )
        return sigmas.to(self.device)

    def picture_loss(self, restored: Tensor, frames: Tensor, phase: TrainingPhase, generator: torch.Generator) -> Tensor:
        """Sum the weighted losses on decoded pictures.

        Args:
            restored, frames: RGB ``(batch · frames, 3, size, size)``, decoded and true.
            phase: the weights.
            generator: source of random numbers.

        Returns:
            A scalar.
        """
        loss = restored.new_zeros(())
        clips, truth = (pictures.unflatten(0, (-1, phase.frames)) for pictures in (restored, frames))
        if self.perceptual is not None and phase.perceptual > 0:
            pair = 2 if phase.change_in_look > 0 else 1
            crops = judged_crops(clips, truth, generator, pair, phase.judged)
            pictures, references = (crop.flatten(0, 1) for crop in crops)
            with self.autocast():
                loss = loss + phase.perceptual * self.perceptual(pictures, references).mean()
                if phase.change_in_look > 0:
                    loss = loss + phase.change_in_look * change_in_look(self.perceptual, *crops)
        if phase.lattice > 0:
            # the network doubles the size of its pictures once more inside: grids of two latents come from there
            periods = (self.start.stage.factor, 2 * self.start.stage.factor)
            loss = loss + phase.lattice * sum(lattice_error(restored - frames, period) for period in periods)
        if phase.excess > 0:
            loss = loss + phase.excess * excess_detail(restored, frames)
        if phase.change > 0:
            loss = loss + phase.change * change_error(clips, truth)
        return loss

    def autocast(self) -> torch.autocast:
        """Return a context that computes in bfloat16 where the recipe asks for it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type in self.recipe.bf16)

    def layers(self, frames: int) -> contextlib.AbstractContextManager[None]:
        """Return a context without temporal layers for single frames.

        It has to enclose the backward pass as well, because gradient checkpointing runs the layers again there.
        """
        return without_temporal_layers(self.unet) if frames == 1 else contextlib.nullcontext()

    def step(self, clips: Tensor, low: Tensor) -> float:
        """Add a batch's gradient, and update the weights after the last batch of an iteration.

        Args:
            clips: RGB 0..1 or uint8 ``(batch, frames, 3, size, size)``.
            low: their small, degraded counterparts, with the frames around them; see `data.Batches`.

        Returns:
            The loss.
        """
        phase, index = self.course.place(self.state.iteration)
        # a function of seed and position, so that a resumed run draws the same numbers
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.position)
        last = self.state.part + 1 == self.recipe.accumulate
        with self.layers(phase.frames):
            upscaled = self.start.enlarge(in_range(low, self.device))
            loss = self.loss(in_range(clips, self.device), upscaled, phase, generator)
            # gradients of accumulated batches add up to those of their mean
            (loss / self.recipe.accumulate).backward()
        self.state.part += 1
        if last:
            self.move(learning_rate(phase, index))
        return loss.item()

    def move(self, rate: float) -> None:
        """Make one optimiser step with the accumulated gradients, averaged over the processes.

        Raises:
            JobError: the gradient is not finite; the weights stay as they were.
        """
        weights = list(self.state.weights.values())
        self.average_over_processes(weights)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if not torch.nn.utils.clip_grad_norm_(weights, 1.0).isfinite():
            raise JobError(
                f"The gradient of iteration {self.state.iteration + 1} is not finite: resume with a lower learning rate, "
                "or with this device left out of “bf16”; the last checkpoint is intact."
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.state.iteration, self.state.part = self.state.iteration + 1, 0
        self.state.update_ema(self.recipe.ema)

    def average_over_processes(self, weights: Iterable[Tensor]) -> None:
        """Replace the gradients of ``weights`` by their mean over the processes of the run."""
        for weight in weights if self.processes > 1 else ():
            if weight.grad is not None:
                weight.grad = self.accelerator.reduce(weight.grad, "mean")

    @property
    def position(self) -> int:
        """Index of the next batch over iterations, accumulated batches and processes; data and noise follow from it."""
        done = self.state.iteration * self.recipe.accumulate + self.state.part
        return done * self.processes + int(self.accelerator.process_index)

    # -- the loop -----------------------------------------------------------------------------------------------

    def run(self, report: Callable[[str], None] = print, until: int | None = None) -> None:
        """Train to the end of the recipe; raises `Cancelled` after `stop`, or when iteration ``until`` is done."""
        tell = report if self.accelerator.is_main_process else lambda sentence: None
        for clips, low in self.batches():
            self.log.add(self.step(clips, low))
            if self.state.part == 0:
                self.course.advance()
                self.finish_iteration(tell)
            if self.stopping or (self.state.part == 0 and self.state.iteration == until):
                self.checkpoint()
                raise Cancelled

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of this process from the current position; workers begin anew where a phase ends by the clock."""
        while not self.course.is_over(self.state.iteration):
            phase, _ = self.course.place(self.state.iteration)
            for batch in self.prepared(self.course.ahead(phase)):
                yield batch
                if self.course.has_left(phase):
                    break

    def prepared(self, recipe: Recipe) -> "DataLoader[tuple[Tensor, Tensor]]":
        """Return the batches of this process from the current position, prepared in worker processes."""
        data = self.data.batches(recipe.times(recipe.accumulate * self.processes), self.start.context)
        # the sampler holds the positions of this process alone, from the next one: nothing is decoded in vain
        mine = range(self.position, len(data), self.processes)
        return DataLoader(
            data, batch_size=None, sampler=mine, num_workers=recipe.workers, prefetch_factor=4, worker_init_fn=begin_worker
        )

    def finish_iteration(self, report: Callable[[str], None]) -> None:
        """Log, validate and save where this iteration is due."""
        recipe, iteration = self.recipe, self.state.iteration
        done = self.course.is_over(iteration)
        if iteration % recipe.log_every == 0:
            sums = self.accelerator.reduce(self.log.sums.to(self.device), "sum").cpu()
            if self.accelerator.is_main_process:
                report(f"{self.course.told(iteration)}  {self.log.write(iteration, recipe.accumulate, sums)}")
            self.log.restart()
        if done or iteration % recipe.validate_every == 0:
            self.validate(report)
        if done or iteration % recipe.checkpoint_every == 0:
            self.checkpoint()

    @torch.no_grad()
    def validate(self, report: Callable[[str], None]) -> None:
        """Sample held-out clips with the averaged weights: metrics, a contact sheet, and an export of the best so far."""
        asked, iteration = self.recipe.validation, self.state.iteration
        if self.accelerator.is_main_process:
            clips, low = self.data.held_out_pairs(asked, self.start.context)
            upscaled = torch.cat([self.start.enlarge(clip.to(self.device)).cpu() for clip in low.split(1)])
            columns: dict[str, Tensor] = {self.start.declaration.upsampler: upscaled}
            with self.state.averaged():
                with self.layers(asked.frames):
                    columns |= {
                        str(steps): restore_held_out(self.start, upscaled, steps, self.autocast()) for steps in asked.steps
                    }
                for name, pictures in columns.items():
                    report(f"validation at {iteration}: steps {name}  {self.judged(name, pictures, clips)}")
                contact_sheet([*columns.values(), clips], self.folder / "samples" / f"{iteration:06}.png")
                if is_best(self.folder / "validation.csv"):
                    export(self.start, self.folder / "best")
        self.accelerator.wait_for_everyone()

    def judged(self, name: str, pictures: Tensor, clips: Tensor) -> str:
        """Append a row of ``validation.csv`` and return it as text.

        Args:
            name: number of steps, or the upsampler's for the enlarged input.
            pictures, clips: restored and true, RGB 0..1 ``(clips, frames, 3, size, size)``.
        """
        quality, distance = f"{mean_frame_psnr(pictures, clips):.3f}", ""
        if self.judge is not None:
            pairs = zip(pictures, clips, strict=True)
            means = [self.judge(clip.to(self.device), truth.to(self.device)).mean() for clip, truth in pairs]
            distance = f"{float(torch.stack(means).mean()):.4f}"
        row = [self.state.iteration, name, quality, distance]
        append_row(self.folder / "validation.csv", ["iteration", "steps", "psnr", "st_lpips"], row)
        return f"PSNR {quality} dB" + (f"  ST-LPIPS {distance}" if distance else "")

    def checkpoint(self) -> None:
        """Write the state, and export the averaged weights as a model."""
        if self.accelerator.is_main_process:
            self.state.save(self.folder / STATE, {"log": self.log.sums} | self.course.record() | self.adversary_state())
            with self.state.averaged():
                export(self.start, self.folder / "ema")
        self.accelerator.wait_for_everyone()
