"""Rows of ``dcvsr bench full`` about single evaluations: a tile, the ways to compute it, and the first stage."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor, nn

from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.fused import flatten_convolutions, keep_channels_last, order_convolutions
from dcvsr_engine.network.vae import ENCODE_FRAMES, VaeFirstStage
from dcvsr_engine.planning.memory import SegmentLoad
from dcvsr_engine.research.bench.counting import flops
from dcvsr_engine.research.bench.full import FullFinding, Stand, release
from dcvsr_engine.research.bench.full_network import network_size, random_first_stage, random_network
from dcvsr_engine.settings import Guidance, PlannedSettings, Precision, RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

SIGMA, BENCH_GAMMA, BENCH_SCALE = 5.0, 0.5, 2.0
MEBI = 2**20


def planned(stand: Stand, **changes: Any) -> PlannedSettings:
    """The paper's settings for this device, with ``changes``."""
    values: dict[str, Any] = {"tile_batch": 1, "sap_schedule": "staged"} | changes
    chosen = RestoreSettings(**values)
    resolved = stand.model.declaration.resolve(chosen)
    return PlannedSettings(**(dict(resolved) | {"device": stand.model.device, "precision": stand.model.precision}))


def one_tile_grid(stand: Stand) -> TileGrid:
    """A grid of one tile of the declared size."""
    tile, window = stand.model.declaration.tile, stand.model.declaration.window
    return TileGrid.build(window, tile, tile, tile, window)


def guided_work(stand: Stand, denoiser: Denoiser, tiles: int, guided: bool) -> Callable[[], Tensor]:
    """The engine's evaluation of so many tiles in one batch: one row each, or two with the paper's guidance."""
    grid, stage = one_tile_grid(stand), stand.model.first_stage
    x, condition = (
        stand.random(tiles, grid.tile_frames, channels, grid.tile_height, grid.tile_width)
        for channels in (stage.latent_channels, stage.condition_channels)
    )
    mode: Guidance = "dssag" if guided else "none"
    return partial(
        denoiser.guided, SIGMA * x, SIGMA, condition, [grid.tile(0, 0)] * tiles, mode, BENCH_SCALE if guided else 1.0, BENCH_GAMMA
    )  # fmt: skip


def tile_row(stand: Stand) -> Iterator[FullFinding]:
    """One evaluation of one to many tiles: time, rate, memory against the plan."""
    denoiser = Denoiser(stand.model)
    count = stand.note("flops", flops(guided_work(stand, denoiser, 1, guided=False)))
    yield f"{count / 1e12:.2f} TFLOP per evaluation, counted", {"flops": count}
    for tiles in stand.size.batches:
        yield batch_finding(stand, denoiser, tiles, count)
        release()


def batch_finding(stand: Stand, denoiser: Denoiser, tiles: int, count: float) -> FullFinding:
    """One evaluation of ``tiles`` in a batch; ``count``: operations per tile."""
    work = guided_work(stand, denoiser, tiles, guided=False)
    work()
    peak = stand.peak(work)
    each = stand.seconds(work, warm=True) / tiles
    settings = planned(stand, guidance="none", sap=False, tap=False, tile_batch=tiles)
    load = SegmentLoad(settings, stand.model.declaration, network_size(stand.model), one_tile_grid(stand), 0, 0)
    plan, rate = load.sampling_bytes(), count / each
    stand.note("tile", min(each, stand.found.get("tile", each)))
    share = rate / stand.found["dense"] if "dense" in stand.found else 0.0
    text = (
        f"{tiles} rows: {each:.4f} s per tile, {rate / 1e12:.1f} TFLOP/s = {share:.1%} of the dense rate; "
        f"peak {peak / MEBI:.0f} MiB, plan {plan / MEBI:.0f} MiB, plan/peak {plan / peak if peak else 0:.3f}"
    )
    values = {"rows": tiles, "seconds_per_tile": each, "flops_per_second": rate, "dense_share": share}
    return text, values | {"peak_bytes": peak, "planned_bytes": plan}


# -- ways to compute --------------------------------------------------------------------------------------------


def naive_seconds(stand: Stand) -> float:
    """Seconds of a guided tile by diffusers alone: one tile and one branch at a time, its own attention and layouts."""
    model = stand.model
    unet = fresh_unet(stand)
    config, grid = unet.config, one_tile_grid(stand)
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    sample = model.to_device(stand.random(1, grid.tile_frames, config.in_channels, grid.tile_height, grid.tile_width))
    embedding, level = sample.new_zeros(1, 1, config.cross_attention_dim), torch.tensor(0.4, device=sample.device)

    def two_branches() -> None:
        for _ in range(2):
            unet(sample, level, embedding, sample.new_zeros(1, ids)).sample.float().cpu()

    return stand.seconds(two_branches)


def fresh_unet(stand: Stand) -> UNetSpatioTemporalConditionModel:
    """Another network of the same size, as diffusers makes it."""
    found: UNetSpatioTemporalConditionModel = random_network(
        UNetSpatioTemporalConditionModel, stand.size.unet, stand.model.device, stand.dtype
    )
    return found


def model_with(stand: Stand, unet: UNetSpatioTemporalConditionModel) -> Model:
    """The model with another network."""
    model = stand.model
    return Model(model.declaration, model.folder, unet, model.first_stage, model.device, model.precision)


def ways_row(stand: Stand) -> Iterator[FullFinding]:
    """Seconds of a guided tile: diffusers' loop, then our path, one change on top of the other."""
    naive = stand.note("naive", naive_seconds(stand))
    yield f"naive diffusers loop: {naive:.4f} s per guided tile", {"way": "naive", "seconds_per_guided_tile": naive}
    release()
    unet = fresh_unet(stand)
    denoiser, tiles = Denoiser(model_with(stand, unet)), stand.size.tiles
    for name, change in ways_of(unet).items():
        change()
        each = stand.note(name, stand.seconds(guided_work(stand, denoiser, tiles, guided=True)) / tiles)
        text = f"{name}: {each:.4f} s per guided tile, {tiles} tiles × 2 rows: {naive / each:.2f} × the naive loop"
        yield text, {"way": name, "seconds_per_guided_tile": each, "gain": naive / each}
    torch.backends.cudnn.benchmark = False
    yield "fused.py's feed-forward is for processors (oneDNN); on a GPU it computes plainly", {"way": "fused"}
    if stand.on_cuda and stand.found[PLANAR_WAY] < WORTHWHILE * stand.found[LOADED_WAY]:
        flatten_convolutions(stand.model.unet)
        yield "all rows below compute with Conv3d as Conv2d", {"way": "from here on: Conv3d as Conv2d"}


LOADED_WAY, PLANAR_WAY = "ours, as loaded for a GPU", "+ Conv3d (3,1,1) as Conv2d"
WORTHWHILE = 0.97
"""What is not faster by this is not taken over by the rows after it."""


def ways_of(unet: nn.Module) -> dict[str, Callable[[], Any]]:
    """Changes of a network by name, each on top of those before."""
    return {
        LOADED_WAY: lambda: None,
        PLANAR_WAY: lambda: flatten_convolutions(unet),
        "+ Conv2d weights channels last": lambda: order_convolutions(unet),
        "+ transformers hand on channels last": lambda: keep_channels_last(unet),
        "+ cudnn.benchmark": choose_convolutions,
    }


def choose_convolutions() -> None:
    """Have cuDNN time its ways to convolve."""
    torch.backends.cudnn.benchmark = True


def kernels_row(stand: Stand) -> Iterator[FullFinding]:
    """Where the time of a batch goes: the kernels that take most."""
    work = guided_work(stand, Denoiser(stand.model), stand.size.tiles, guided=True)
    work()
    kinds = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * stand.on_cuda
    with torch.profiler.profile(activities=kinds) as profile:
        work()
        stand.wait()
    events = [(event.key, own_time(event, stand.on_cuda), event.count) for event in profile.key_averages()]
    whole = sum(taken for _, taken, _ in events) or 1
    for name, taken, count in sorted(events, key=lambda event: -event[1])[:16]:
        text = f"{taken / whole:6.1%} {taken / 1000:8.1f} ms {count:5d} × {name[:110]}"
        yield text, {"kernel": name, "microseconds": taken, "count": count, "share": taken / whole}


def own_time(event: Any, on_cuda: bool) -> float:
    """Microseconds that an entry of the profile takes by itself; on a GPU those of kernels alone."""
    if not on_cuda:
        return float(event.self_cpu_time_total)
    if "CPU" in str(event.device_type):
        return 0.0
    return float(getattr(event, "self_device_time_total", getattr(event, "self_cuda_time_total", 0.0)))


# -- first stage ------------------------------------------------------------------------------------------------


def first_stage_row(stand: Stand) -> Iterator[FullFinding]:
    """The autoencoder: seconds per frame of one of its tiles, and its peak against the plan."""
    formats: tuple[Precision, ...] = (stand.model.precision, "fp16") if stand.on_cuda else (stand.model.precision,)
    for precision in formats:
        stage = random_first_stage(stand.size, stand.model.device, precision)
        yield from stage_findings(stand, stage, precision)
        del stage
        release()


def stage_findings(stand: Stand, stage: VaeFirstStage, precision: str) -> Iterator[FullFinding]:
    """Encode and decode one tile with an autoencoder."""
    tile, window = stand.model.declaration.tile, stand.model.declaration.window
    pixels = stand.random(ENCODE_FRAMES, 3, stage.factor * tile, stage.factor * tile).clamp(0, 1)
    load = SegmentLoad(
        planned(stand), stand.model.declaration, network_size(stand.model),
        TileGrid.build(4 * window, tile, tile, tile, window), 0, 0,
    )  # fmt: skip
    frames = load.first_stage.decoded_frames(window)
    latents = stand.random(frames, stage.latent_channels, tile, tile)
    jobs: tuple[tuple[str, int, Callable[[], Tensor], int], ...] = (
        ("encode", ENCODE_FRAMES, partial(stage.encode_tile, pixels), 0),
        ("decode", frames, partial(stage.decode_tile, latents), load.decoding_bytes(window)),
    )
    for name, count, work, plan in jobs:
        work()
        peak, each = stand.peak(work), stand.seconds(work, warm=True) / count
        stand.note(f"{name} {precision}", each)
        text = f"{name} {precision}, {count} frames of {tile}×{tile} latents: {each:.4f} s per frame; peak {peak / MEBI:.0f} MiB"
        planned_text = f", plan {plan / MEBI:.0f} MiB, plan/peak {plan / peak if peak else 0:.3f}" if plan else ""
        values = {"work": name, "precision": precision, "frames": count, "seconds_per_frame": each, "peak_bytes": peak}
        yield text + planned_text, values | {"planned_bytes": plan}
