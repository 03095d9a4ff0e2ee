"""The training loop: EDM objective, EMA, validation, and checkpoints that resume to the exact step."""

import contextlib
import csv
import itertools
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from diffusers import UNetSpatioTemporalConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from dcvsr_engine.diffusion.edm import to_d
from dcvsr_engine.diffusion.schedule import karras_sigmas
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.training.data import Batches, Photographs, training_pair
from dcvsr_engine.training.objective import (
    change_error,
    denoise,
    draw_sigmas,
    edm_loss,
    lattice_error,
    silence_temporal_layers,
    without_temporal_layers,
)
from dcvsr_engine.training.propagation import TiledNetwork
from dcvsr_engine.training.recipe import Phase, Recipe

Distance = Callable[[Tensor, Tensor], Tensor]


def learning_rate(phase: Phase, index: int) -> float:
    """Linear warm-up, then cosine decay to a tenth of the peak."""
    if index < phase.warmup:
        return phase.learning_rate * (index + 1) / phase.warmup
    progress = (index - phase.warmup) / max(1, phase.iterations - phase.warmup)
    return phase.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))


def clip_noise(shape: torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """Unit noise ``(batch, frames, …)`` of which ``share`` of the variance is common to the frames of a clip."""
    own = torch.randn(shape, generator=generator)
    common = torch.randn(shape[0], 1, *shape[2:], generator=generator)
    return math.sqrt(share) * common + math.sqrt(1 - share) * own


def judged_crops(
    restored: Tensor, reference: Tensor, batch: int, generator: torch.Generator, size: int = 72
) -> tuple[Tensor, Tensor]:
    """One random crop and frame per clip of each ``(batch · frames, 3, h, w)``: the perceptual network is dear on a processor."""
    frames, side = restored.shape[0] // batch, restored.shape[-1]
    crops = []
    for clip in range(batch):
        frame, y, x = (int(torch.randint(n, (1,), generator=generator)) for n in (frames, side - size + 1, side - size + 1))
        crops.append((clip * frames + frame, slice(y, y + size), slice(x, x + size)))
    pictures, references = (torch.stack([x[f, :, rows, columns] for f, rows, columns in crops]) for x in (restored, reference))
    return pictures, references


def sample(unet: UNetSpatioTemporalConditionModel, condition: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Euler sampling of untiled clips ``(batch, frames, channels, h, w)``, for validation."""
    x = noise * sigmas[0]
    for sigma, following in itertools.pairwise(sigmas):
        denoised = denoise(unet, x, sigma.expand(x.shape[0]), condition)
        x = x + to_d(x, sigma, denoised) * (following - sigma)
    return x


def starting_network(folder: Path, scratch: bool, seed: int) -> UNetSpatioTemporalConditionModel:
    """The network to train: with the folder's weights, or its configuration alone and temporal layers that change nothing."""
    if not scratch:
        unet = UNetSpatioTemporalConditionModel.from_pretrained(folder, use_safetensors=True, torch_dtype=torch.float32)
    else:
        torch.manual_seed(seed)
        unet = UNetSpatioTemporalConditionModel.from_config(UNetSpatioTemporalConditionModel.load_config(folder))
        silence_temporal_layers(unet)
    return unet.train()


class Trainer:
    """Trains one recipe in a folder; construct it again on the same folder to resume.

    Attributes:
        perceptual, judge: distances ``(n,)`` of pictures, one to train on, another to validate with.
        folder: holds ``recipe.json``, ``log.csv``, ``validation.csv``, ``last/`` and the exported ``ema/``.
        iteration: optimiser steps done.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        photos: Photographs,
        perceptual: Distance | None = None,
        judge: Distance | None = None,
    ) -> None:
        self.recipe, self.folder, self.photos, self.perceptual, self.judge = recipe, folder, photos, perceptual, judge
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
        start = Path(recipe.start)
        self.stage = HaarFirstStage.from_file(start / "scales.json")
        self.unet = starting_network(start / "unet", recipe.scratch, recipe.seed)
        self.tiled = TiledNetwork(self.unet, self.stage, recipe)
        self.optimizer = torch.optim.AdamW(self.unet.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=1e-3)
        self.ema = {name: value.detach().clone() for name, value in self.unet.state_dict().items()}
        self.iteration = 0
        if (folder / "last" / "state.safetensors").exists():
            self.resume()

    # -- one step -----------------------------------------------------------------------------------------------

    def loss(self, clips: Tensor, upscaled: Tensor, phase: Phase, generator: torch.Generator) -> Tensor:
        """The objective for ``(batch, frames, 3, size, size)``: EDM, plus the perceptual term where the phase asks for it."""
        batch, frames = clips.shape[:2]
        flat, up = clips.flatten(0, 1), upscaled.flatten(0, 1)
        target = self.stage.encode_target(flat, up).unflatten(0, (batch, frames))
        condition = self.stage.encode_condition(up).unflatten(0, (batch, frames))
        sigma = draw_sigmas(batch, generator, self.recipe.sigma_min, self.recipe.sigma_max, phase.at_max)
        noise = clip_noise(target.shape, phase.noise_share, generator)
        spatial_only = without_temporal_layers(self.unet) if frames == 1 else contextlib.nullcontext()
        with spatial_only, torch.autocast("cpu", torch.bfloat16):
            if phase.tile:
                denoised, sigma = self.tiled.estimates(target, condition, noise, sigma, phase, generator)
            else:
                denoised = denoise(self.unet, target + sigma.view(-1, 1, 1, 1, 1) * noise, sigma, condition)
        loss = edm_loss(denoised, target, sigma).mean()
        restored = self.stage.decode(denoised.flatten(0, 1), up)
        if self.perceptual is not None and phase.perceptual > 0:
            pictures, references = judged_crops(restored, flat, batch, generator)
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss + phase.perceptual * self.perceptual(pictures, references).mean()
        if phase.lattice > 0:
            loss = loss + phase.lattice * lattice_error(restored - flat, self.stage.factor)
        if phase.change > 0:
            loss = loss + phase.change * change_error(restored.unflatten(0, (batch, frames)), clips)
        return loss

    def step(self, clips: Tensor, upscaled: Tensor) -> float:
        """One optimiser step; returns the loss."""
        phase, index = self.recipe.phase_at(self.iteration)
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.iteration)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(phase, index)
        loss = self.loss(clips, upscaled, phase, generator)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimizer.step()
        self.iteration += 1
        self.update_ema()
        return loss.item()

    @torch.no_grad()
    def update_ema(self) -> None:
        """Follow the weights with a decay that starts low."""
        decay = min(self.recipe.ema, (1 + self.iteration) / (10 + self.iteration))
        for name, value in self.unet.state_dict().items():
            self.ema[name].lerp_(value, 1 - decay)

    def run(self, report: Callable[[str], None] = print) -> None:
        """Train to the end of the recipe."""
        losses: list[float] = []
        began = time.monotonic()
        for clips, upscaled in self.batches():
            losses.append(self.step(clips, upscaled))
            if self.iteration % 50 == 0:
                row = [self.iteration, f"{sum(losses) / len(losses):.5f}", f"{(time.monotonic() - began) / len(losses):.3f}"]
                append_row(self.folder / "log.csv", ["iteration", "loss", "seconds"], row)
                report(f"iteration {row[0]}/{self.recipe.iterations}  loss {row[1]}  {row[2]} s")
                losses, began = [], time.monotonic()
            done = self.iteration == self.recipe.iterations
            if done or self.iteration % self.recipe.checkpoint_every == 0:
                self.checkpoint()
            if done or self.iteration % self.recipe.validate_every == 0:
                self.validate(report)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches from the current iteration on, prepared in a worker process."""
        data = Batches(self.photos.training, self.recipe, self.iteration)
        return iter(DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4))

    # -- validation ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def ema_weights(self) -> Iterator[None]:
        """Use the averaged weights for a while."""
        own = {name: value.detach().clone() for name, value in self.unet.state_dict().items()}
        self.unet.load_state_dict(self.ema)
        try:
            yield
        finally:
            self.unet.load_state_dict(own)

    @torch.no_grad()
    def validate(self, report: Callable[[str], None]) -> None:
        """PSNR (and the perceptual distance, where given) of 24 held-out crops at 1, 2 and 4 steps."""
        rng = random.Random(0)
        pairs = [training_pair(rng, self.photos.held_out, 1, 192) for _ in range(24)]
        clips, upscaled = (torch.stack(side) for side in zip(*pairs, strict=True))
        condition = self.stage.encode_condition(upscaled.flatten(0, 1)).unsqueeze(1)
        noise = torch.randn(condition.shape, generator=torch.Generator().manual_seed(0))
        rows = {"bicubic": upscaled.flatten(0, 1)}
        with self.ema_weights(), without_temporal_layers(self.unet), torch.autocast("cpu", torch.bfloat16):
            for steps in (1, 2, 4):
                sigmas = torch.tensor(karras_sigmas(steps, self.recipe.sigma_min, self.recipe.sigma_max), dtype=torch.float32)
                latents = sample(self.unet, condition, noise, sigmas).flatten(0, 1).float()
                rows[str(steps)] = self.stage.decode(latents, upscaled.flatten(0, 1)).clamp(0, 1)
        for name, restored in rows.items():
            psnr = -10 * (restored - clips.flatten(0, 1)).pow(2).flatten(1).mean(1).log10().mean()
            distance = f"{float(self.judge(restored, clips.flatten(0, 1)).mean()):.4f}" if self.judge else ""
            append_row(self.folder / "validation.csv", ["iteration", "steps", "psnr", "st_lpips"],
                       [self.iteration, name, f"{psnr:.3f}", distance])  # fmt: skip
            report(f"validation at {self.iteration}: steps {name}  PSNR {psnr:.3f} dB  ST-LPIPS {distance}")

    # -- checkpoints --------------------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Write weights, EMA and optimiser state under temporary names, then rename."""
        tensors = {f"unet.{name}": value for name, value in self.unet.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in self.ema.items()}
        for name, parameter in self.unet.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{name}.{key}"] = value
        last = self.folder / "last"
        last.mkdir(exist_ok=True)
        tensors["iteration"] = torch.tensor(self.iteration)
        save_file({name: value.contiguous() for name, value in tensors.items()}, last / "state.partial")
        (last / "state.partial").replace(last / "state.safetensors")
        self.export(self.folder / "ema")

    def export(self, folder: Path) -> None:
        """The averaged weights in half precision, as ``unet/`` and ``scales.json`` of a checkpoint folder."""
        with self.ema_weights():
            half = {name: value.half().contiguous() for name, value in self.unet.state_dict().items()}
        network = folder / "unet"
        network.mkdir(parents=True, exist_ok=True)
        self.unet.save_config(network)
        save_file(half, network / "weights.partial", metadata={"format": "pt"})
        (network / "weights.partial").replace(network / "diffusion_pytorch_model.safetensors")
        scales = {name: [round(float(v), 6) for v in getattr(self.stage, name).flatten()]
                  for name in ("residual_scale", "condition_scale")}  # fmt: skip
        (folder / "scales.json").write_text(json.dumps(scales), encoding="utf-8")

    def resume(self) -> None:
        """Continue from ``last/``."""
        tensors = load_file(self.folder / "last" / "state.safetensors")
        self.unet.load_state_dict({n[5:]: v for n, v in tensors.items() if n.startswith("unet.")})
        self.ema = {n[4:]: v for n, v in tensors.items() if n.startswith("ema.")}
        for name, parameter in self.unet.named_parameters():
            prefix = f"optimizer.{name}."
            keys = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            if keys:
                self.optimizer.state[parameter] = keys
        self.iteration = int(tensors["iteration"])


def append_row(path: Path, header: list[str], row: list[object]) -> None:
    """Append one CSV row, with the header first in a new file."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(header)
        writer.writerow(row)
