"""``dcvsr bench``: its options and tables. Imports no torch before it runs."""

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcvsr_engine.errors import InputError
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings

if TYPE_CHECKING:
    from dcvsr_engine.research.bench.cost import Cost
    from dcvsr_engine.research.bench.growth import Growth
    from dcvsr_engine.research.bench.joins import Joins
    from dcvsr_engine.research.bench.kernels import KernelFigure
    from dcvsr_engine.research.bench.memory import Footprint
    from dcvsr_engine.research.bench.propagation import StepFigures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    what = (
        "propagation: how well neighbouring tiles and windows agree; cost: of guidance and propagation on this machine; "
        "growth: of memory and time per frame with the length of a clip; joins: whether joins of segments are visible; "
        "memory: of a tile as the plan predicts it, and as measured; kernels: the engine's own beside diffusers' and PyTorch's; "
        "full: the full-size network with random weights, for a GPU: its cost only"
    )
    parser.add_argument("what", choices=["propagation", "cost", "growth", "joins", "memory", "kernels", "full"], help=what)
    parser.add_argument("--model", default="compact", metavar="NAME", help="a model (default: compact)")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a video (default: the bundled sample)")
    parser.add_argument("--tile", type=int, default=32, metavar="N", help="side of a tile in latent pixels (default: 32)")
    parser.add_argument("--window", type=int, default=6, metavar="N", help="frames in a tile (default: 6)")
    parser.add_argument("--steps", type=int, metavar="N", help="sampling steps (default: the model's)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="timings of which the fastest counts (default: 5)")
    parser.add_argument("--device", default="auto", help="device to compute on (default: auto)")
    parser.add_argument("--precision", default="auto", help="number format (default: auto)")
    parser.add_argument("--minutes", type=float, default=6.0, metavar="M", help="full: begin no row after so long (default: 6)")
    parser.add_argument("--rows", default="", metavar="NAMES", help="full: the rows to measure, with commas (default: all)")
    parser.add_argument("--lines", type=Path, metavar="FILE", help="full: write every finding to a file, as JSON lines")
    parser.add_argument("--tiny", action="store_true", help="full: a tiny network, to see that everything runs")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns 0, or 1 where rows of ``full`` failed. Raises `UserError`."""
    if options.what == "full":
        return full(options)
    names = ("model", "tile", "window", "steps", "device", "precision")
    settings = RestoreSettings.from_dict({name: getattr(options, name) for name in names})
    clip = options.clip or resource("clips", "sample.mp4")
    if not clip.is_file():
        raise InputError(f"“{clip}” does not exist; name a video with --clip.")
    values, table = MEASUREMENTS[options.what](settings, clip, options)
    print(json.dumps(values) if options.json else table)
    return 0


def full(options: argparse.Namespace) -> int:
    """Run ``dcvsr bench full``, which needs neither clip nor model and prints by itself; raises `UserError`."""
    from dcvsr_engine.research.bench.full import ROW_NAMES, FindingLog, run_full

    rows = tuple(filter(None, options.rows.split(",")))
    unknown = [name for name in rows if name not in ROW_NAMES]
    if unknown:
        raise InputError(f"“{unknown[0]}” is no row; choose some of {', '.join(ROW_NAMES)}.")
    log = FindingLog(options.lines, options.json)
    try:
        return 1 if run_full(options.tiny, options.device, options.precision, options.minutes, rows, log) else 0
    finally:
        log.close()


Measured = tuple[Any, str]
"""Plain values for JSON, and a table."""


def propagation(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench propagation``."""
    from dcvsr_engine.research.bench.propagation import measure_propagation

    figures = measure_propagation(settings, clip)
    return [dataclasses.asdict(figure) for figure in figures], propagation_table(figures)


def cost(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench cost``."""
    from dcvsr_engine.research.bench.cost import measure_cost

    figures = measure_cost(settings, clip, max(1, options.repeats))
    return dataclasses.asdict(figures), cost_table(figures)


def growth(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench growth``, which makes its own clips."""
    from dcvsr_engine.research.bench.growth import measure_growth

    figures = measure_growth(settings)
    return dataclasses.asdict(figures), growth_table(figures)


def joins(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench joins``."""
    from dcvsr_engine.research.bench.joins import measure_joins

    figures = measure_joins(settings, clip)
    return [dataclasses.asdict(order) | {"to_whole": order.to_whole} for order in figures], joins_table(clip, figures)


def tile_memory(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench memory``, which needs no clip."""
    from dcvsr_engine.research.bench.memory import measure_memory

    figures = measure_memory(settings)
    return [dataclasses.asdict(figure) | {"ratio": figure.ratio} for figure in figures], memory_table(figures)


def kernels(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench kernels``, which needs no clip."""
    from dcvsr_engine.research.bench.kernels import bench_environment, measure_kernels

    figures = measure_kernels(settings, max(1, options.repeats))
    rows = [dataclasses.asdict(figure) | {"gain": figure.gain} for figure in figures]
    return bench_environment() | {"rows": rows}, kernels_table(figures)


MEASUREMENTS: dict[str, Callable[[RestoreSettings, Path, argparse.Namespace], Measured]] = {
    "propagation": propagation,
    "cost": cost,
    "growth": growth,
    "joins": joins,
    "memory": tile_memory,
    "kernels": kernels,
}


def propagation_table(figures: Sequence["StepFigures"]) -> str:
    """Format the figures of `measure_propagation` as a table."""
    lines = [
        "RMS difference between neighbouring results in their overlap, before merging, from the same noisy latents;",
        "and distance of the SAP schedules from lockstep, relative to the change by SAP.",
        "",
        f"{'step':<6}{'kind':<14}{'σ':>8} │{'tiles: off':>11}{'SAP':>9}{'':>9} │{'windows: off':>13}{'TAP':>9}{'':>9} │"
        f"{'two-pass':>9}{'cached':>8}",
    ]
    for figure in figures:
        cached = "–" if figure.cached is None else f"{figure.cached:.0%}"
        lines.append(
            f"{figure.step + 1:<6}{figure.kind:<14}{figure.sigma:>8.3f} │"
            f"{figure.tiles_off:>11.4f}{figure.tiles_on:>9.4f}{figure.tiles_on / figure.tiles_off - 1:>+9.1%} │"
            f"{figure.windows_off:>13.4f}{figure.windows_on:>9.4f}{figure.windows_on / figure.windows_off - 1:>+9.1%} │"
            f"{figure.two_pass:>9.0%}{cached:>8}"
        )
    return "\n".join(lines)


def cost_table(cost: "Cost") -> str:
    """Format the result of `measure_cost` with its limits."""
    sap, tap = cost.cached_sap, cost.tap
    rows = [
        ("DSSAG / CFG", f"{cost.dssag_to_cfg:.3f}", "≤ 1.08"),
        ("(CFG + PAG) / DSSAG", f"{cost.pag_to_dssag:.3f}", "≥ 1.4"),
        ("cached SAP step / plain step", f"{sap.time:.3f}", f"≤ {1.1 * sap.work:.3f} (1.1 × {sap.work:.3f} in FLOPs)"),
        ("TAP step / plain step", f"{tap.time:.3f}", f"≤ {1.1 * tap.work:.3f} (1.1 × {tap.work:.3f} in FLOPs)"),
        ("sampling phase / its U-Net time", f"{cost.sampling_to_network:.3f}", "≤ 1.15"),
        ("feature maps alive in a tile", f"{cost.maps_alive:.1f}", f"{cost.tile_bytes / 2**20:.0f} MiB at the peak"),
    ]
    note = "The first two rows are of a network of the model's shape with random weights and an image embedding, so that its"
    lines = [f"{cost.device}, {cost.precision}, tiles of {cost.tile}", ""]
    lines += [f"{name:<34}{value:>8}   {limit}" for name, value, limit in rows]
    return "\n".join(
        [*lines, "", note, "conditional and unconditional branches differ. Times are the fastest of several, taken in turns."]
    )


def growth_table(figures: "Growth") -> str:
    """Format the result of `measure_growth` with its limits."""
    short, long, mega = figures.short, figures.long, 2**20
    own = [(run.peak - run.before) / mega for run in (short, long)]
    rows = [
        ("peak memory, MiB", short.peak / mega, long.peak / mega, f"{figures.memory:.3f}", "≤ 1.1"),
        ("… without programs and model, MiB", own[0], own[1], f"{figures.own_memory:.3f}", ""),
        ("time per frame, ms", 1000 * short.seconds, 1000 * long.seconds, f"{figures.time:.3f}", "≤ 1.1"),
        ("waiting for video, % of the time", 100 * short.waiting_share, 100 * long.waiting_share, "", "each ≤ 3"),
    ]
    lines = [f"{short.device}; {short.frames} frames in {short.segments} segments, {long.frames} in {long.segments}", ""]
    lines += [f"{name:<34}{before:>10.1f}{after:>10.1f}{ratio:>8}   {limit}" for name, before, after, ratio, limit in rows]
    return "\n".join(lines)


def joins_table(clip: Path, figures: Sequence["Joins"]) -> str:
    """Format the result of `measure_joins`, and how bricks compare with the chain."""
    chain, bricks = (order.to_whole for order in figures)
    return "\n\n".join(
        [
            *(order_table(clip, order) for order in figures),
            f"Difference at joins over that of the same frames in one piece: {chain:.3f} in a chain, {bricks:.3f} in bricks, "
            f"{bricks - chain:+.3f} (≤ 0.1).",
        ]
    )


def order_table(clip: Path, figures: "Joins") -> str:
    """Format the joins of one order, a line per join."""
    lines = [f"{clip.name}: {figures.frames} frames in {figures.segments} segments, {figures.order}."]
    if figures.score is not None and figures.score_rank is not None:
        lines += [
            f"Join score {figures.score:.3f}: change of the error at joins over its change elsewhere;",
            f"{figures.score_rank:.0%} of the changes elsewhere are at least as large as the largest at a join.",
        ]
    lines += [
        "",
        f"Mean difference from the previous frame, of 255 levels; {figures.elsewhere:.3f} where there is no join:",
        f"{'frame':<8}{'at the join':>12}{'in one piece':>14}{'as large elsewhere':>20}",
    ]
    return "\n".join(
        lines + [f"{join.frame:<8}{join.difference:>12.3f}{join.whole:>14.3f}{join.rank:>20.0%}" for join in figures.joins]
    )


def memory_table(figures: Sequence["Footprint"]) -> str:
    """Format the result of `measure_memory`, a line per size."""
    lines = [
        "Peak memory of one evaluation beyond the weights, MiB.",
        "",
        f"{'tile':<14}{'predicted':>10}{'measured':>10}{'ratio':>8}",
    ]
    for figure in figures:
        tile = f"{figure.side}×{figure.side}×{figure.frames}"
        lines.append(f"{tile:<14}{figure.predicted / 2**20:>10.1f}{figure.measured / 2**20:>10.1f}{figure.ratio:>8.3f}")
    return "\n".join(lines)


def kernels_table(figures: Sequence["KernelFigure"]) -> str:
    """Format the result of `measure_kernels`, a line per kernel and number format."""
    lines = ["Fastest times taken in turns, ms.", "", f"{'':<30}{'device':>7}{'format':>7}{'plain':>10}{'ours':>10}{'gain':>7}"]
    for figure in figures:
        row = f"{figure.name:<30}{figure.device:>7}{figure.precision:>7}"
        if figure.plain is None or figure.own is None or figure.gain is None:
            lines.append(f"{row}  unmeasured")
        else:
            lines.append(f"{row}{1000 * figure.plain:>10.1f}{1000 * figure.own:>10.1f}{figure.gain:>6.2f}×")
    return "\n".join(lines)
