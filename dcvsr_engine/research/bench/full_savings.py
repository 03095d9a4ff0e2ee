"""Rows of ``dcvsr bench full`` about what is computed once, cheaply or by compiled code, and how often the host waits."""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.network.compiled import kinds_to_compile
from dcvsr_engine.network.preview import TINY_CHANNELS, TINY_FACTOR, LatentPreview, TinyDecoder
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.research.bench.full import FullFinding, Stand
from dcvsr_engine.research.bench.full_network import random_first_stage
from dcvsr_engine.research.bench.full_tiles import fresh_unet, guided_work, model_with
from dcvsr_engine.settings import Compilation, RestoreSettings

COMPILED_IN_TURN: tuple[Compilation, ...] = ("transformers", "all")


def preview_row(stand: Stand) -> Iterator[FullFinding]:
    """One tile of one frame to look at: by the autoencoder, by a tiny decoder, and by the linear map."""
    stage = random_first_stage(stand.size, stand.model.device, stand.model.precision)
    tile = stand.model.declaration.tile
    latents = stand.random(3, stage.latent_channels, tile, tile)
    whole = 0.0
    for name, work in ways_to_look(stand, stage, latents).items():
        seconds = stand.seconds(work)
        whole = whole or seconds
        yield (
            f"{name}: {seconds:.4f} s, {seconds / whole:.4f} × decoding",
            {"way": name, "seconds": seconds, "share": seconds / whole},
        )


def ways_to_look(stand: Stand, stage: VaeFirstStage, latents: Tensor) -> dict[str, Callable[[], Tensor]]:
    """The ways to show the last of some frames ``(frames, channels, height, width)``, the autoencoder's first."""
    linear = LatentPreview(stage)
    linear.learn(latents, stand.random(len(latents), 3, *(stage.factor * side for side in latents.shape[-2:])))
    last = len(latents) - 1
    ways: dict[str, Callable[[], Tensor]] = {"autoencoder": lambda: stage.decode_tile(latents[last:])}
    if (stage.latent_channels, stage.factor) == (TINY_CHANNELS, TINY_FACTOR):
        tiny = LatentPreview(stage, TinyDecoder(remembers=True).to(stand.model.device, stand.dtype))
        ways["tiny decoder for video, 3 frames"] = lambda: tiny(latents, last)
    return ways | {"linear map": lambda: linear(latents, last)}


def front_row(stand: Stand) -> Iterator[FullFinding]:
    """A guided tile whose branches share the layers before the first attention, and one whose branches do not."""
    apart = stand.model.declaration.replace(unconditional=("image_embedding", "condition"))
    works = [
        guided_work(stand, Denoiser(model), stand.size.tiles, guided=True)
        for model in (stand.model, replace(stand.model, declaration=apart))
    ]
    shared, by_itself = (stand.seconds(work) / stand.size.tiles for work in works)
    text = f"shared front {shared:.4f} s, each by itself {by_itself:.4f} s per guided tile: {by_itself / shared:.3f} ×"
    yield text, {"shared": shared, "by_itself": by_itself, "gain": by_itself / shared}


def compile_row(stand: Stand) -> Iterator[FullFinding]:
    """Blocks compiled after a first batch, as by the setting ``compile``: how long that takes, and what it gains."""
    model, tiles = model_with(stand, fresh_unet(stand)), stand.size.tiles
    if not kinds_to_compile("all", model.device):
        yield "not measured: for a processor nothing is compiled", {"gain": None}
        return
    plain = stand.seconds(guided_work(stand, Denoiser(model), tiles, guided=True)) / tiles
    yield f"plain: {plain:.4f} s per guided tile", {"seconds_per_guided_tile": plain}
    for asked in COMPILED_IN_TURN:
        settings = model.declaration.resolve(RestoreSettings(compile=asked))
        yield compile_finding(stand, Denoiser(model, settings=settings), asked, plain)


def compile_finding(stand: Stand, denoiser: Denoiser, asked: Compilation, plain: float) -> FullFinding:
    """Have blocks compiled; ``plain``: seconds of a guided tile without."""
    work, blocks = guided_work(stand, denoiser, stand.size.tiles, guided=True), denoiser.network.compiled
    began = time.perf_counter()
    work()
    taken = time.perf_counter() - began
    if blocks.failure is not None:
        return f"{asked}: not compiled ({blocks.failure})", {"compiled": asked, "error": str(blocks.failure)}
    each = stand.seconds(work) / stand.size.tiles
    text = f"{asked} compiled in {taken:.1f} s: {each:.4f} s per guided tile, {plain / each:.2f} × plain"
    return text, {"compiled": asked, "compile_seconds": taken, "seconds_per_guided_tile": each, "gain": plain / each}


def waits_row(stand: Stand) -> Iterator[FullFinding]:
    """How often the host waits for the device while a batch of guided tiles is evaluated."""
    if not stand.on_cuda:
        yield "not measured: there is no CUDA device", {"waits": None}
        return
    work = guided_work(stand, Denoiser(stand.model), stand.size.tiles, guided=True)
    work()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    count = sum("synchroniz" in str(warning.message) for warning in found)
    yield f"{count} waits per batch", {"waits": count}
