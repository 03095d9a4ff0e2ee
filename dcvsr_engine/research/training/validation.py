"""Validation: sample held-out clips in a few steps; metrics, a contact sheet, and whether the weights are the best so far."""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from dcvsr_engine.diffusion.edm import euler_step
from dcvsr_engine.diffusion.schedule import karras_sigmas
from dcvsr_engine.research.training.log import read_rows
from dcvsr_engine.research.training.objective import Conditioning, denoise, training_noise
from dcvsr_engine.research.training.start import Start
from dcvsr_engine.storage import partial_path

UPSAMPLERS = ("bicubic", "learned")
"""What ``validation.csv`` calls the enlarged input, in place of a number of steps: as it is declared."""

SHEET = 6
"""Largest number of clips on a contact sheet."""


def sample_untiled(network: nn.Module, conditioning: Conditioning, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Sample untiled clips with Euler steps (Karras et al. 2022, algorithm 2 without churn).

    Args:
        network: the U-Net.
        conditioning: its other inputs.
        noise: unit noise ``(batch, frames, channels, h, w)``.
        sigmas: falling noise levels, 0 the last.

    Returns:
        Latents, shaped like ``noise``.
    """
    x = noise * sigmas[0]
    for sigma, sigma_next in itertools.pairwise(sigmas):
        denoised = denoise(network, x, sigma.expand(x.shape[0]), conditioning)
        x = euler_step(x, denoised, float(sigma), float(sigma_next))
    return x


def restore_held_out(start: Start, upscaled: Tensor, steps: int, autocast: torch.autocast) -> Tensor:
    """Restore held-out clips one by one.

    Args:
        start: the network under training and its conventions.
        upscaled: enlarged clips, RGB 0..1 ``(clips, frames, 3, h, w)``.
        steps: sampling steps.
        autocast: context for the network alone, as in training.

    Returns:
        RGB 0..1 like ``upscaled``, on the processor.
    """
    declaration, device = start.declaration, start.unet.device
    sigmas = torch.tensor(karras_sigmas(steps, declaration.sigma_min, declaration.sigma_max), dtype=torch.float32, device=device)
    generator = torch.Generator().manual_seed(0)
    results = []
    for clip in upscaled.to(device):
        conditioning = start.encode_condition(clip.unsqueeze(0)).augmented(declaration.condition_noise, generator)
        shape = torch.Size((1, len(clip), start.unet.config.out_channels, *conditioning.condition.shape[-2:]))
        noise = training_noise(shape, declaration.noise_share, generator).to(device)
        with autocast:
            latents = sample_untiled(start.unet, conditioning, noise, sigmas)[0]
        results.append(start.stage.decode(latents, clip).clamp(0, 1).cpu())
    return torch.stack(results)


def mean_frame_psnr(clips: Tensor, truth: Tensor) -> float:
    """Average PSNR over all frames of clips ``(clips, frames, 3, h, w)``, in dB."""
    return float(-10 * (clips - truth).pow(2).flatten(0, 1).flatten(1).mean(1).log10().mean())


def contact_sheet(columns: list[Tensor], path: Path) -> None:
    """Write a PNG of the first clips' middle frames, a clip per row.

    Args:
        columns: from left to right, each RGB 0..1 ``(clips, frames, 3, h, w)``.
        path: of the PNG.
    """
    middle = [column[:SHEET, column.shape[1] // 2] for column in columns]
    # a white border between pictures
    rows = torch.cat([F.pad(pictures, (2, 2, 2, 2), value=1.0) for pictures in middle], dim=3)
    path.parent.mkdir(exist_ok=True)
    partial = partial_path(path)
    sheet = torch.cat(list(rows), dim=1).permute(1, 2, 0)
    Image.fromarray((255 * sheet.clamp(0, 1)).round().byte().numpy()).save(partial)
    partial.replace(path)


def is_best(table: Path) -> bool:
    """Return whether the last iteration of ``validation.csv`` is the best, by ST-LPIPS where it was computed, else by PSNR.

    An iteration counts with its best number of steps.
    """
    rows = [row for row in read_rows(table) if row["steps"] not in UPSAMPLERS]
    judged = all(row["st_lpips"] for row in rows)
    scores = [(-float(row["st_lpips"]) if judged else float(row["psnr"]), row["iteration"]) for row in rows]
    # compared by value: an equal score of a later iteration counts as best too
    best, latest = max(scores)[0], rows[-1]["iteration"]
    return any(iteration == latest and score == best for score, iteration in scores)
