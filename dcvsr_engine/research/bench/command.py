"""``dcvsr bench``: its options and tables. Imports no torch before it runs."""

import argparse
import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings, SegmentOrder
from dcvsr_engine.terminal import time_span

if TYPE_CHECKING:
    from dcvsr_engine.planning.plan import Plan
    from dcvsr_engine.research.bench.cost import Cost
    from dcvsr_engine.research.bench.farm import FarmConditions, FarmFigures
    from dcvsr_engine.research.bench.flops import FlopFigure
    from dcvsr_engine.research.bench.growth import Growth
    from dcvsr_engine.research.bench.job_memory import JobFootprint
    from dcvsr_engine.research.bench.joins import Joins
    from dcvsr_engine.research.bench.kernels import KernelFigure
    from dcvsr_engine.research.bench.memory import Footprint
    from dcvsr_engine.research.bench.propagation import StepFigures
    from dcvsr_engine.research.bench.rivals import RivalFigure

BENCH_TILE, BENCH_WINDOW = 32, 6
"""Side in latent pixels, and frames, of the tiles that are measured."""
DEVICE_COUNTS = (1, 2, 4, 8, 16, 32, 64)
"""Equal devices of the farms that are simulated."""
UNEQUAL = "1,1,0.8,0.8,0.5,0.5,0.25,0.25"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    what = (
        "propagation: how well neighbouring tiles and windows agree; cost: of guidance and propagation on this machine; "
        "growth: of memory and time per frame with the length of a clip; joins: whether joins of segments are visible; "
        "memory: of a tile and of jobs as the plan predicts it, and as measured; "
        "kernels: the engine's own beside diffusers' and PyTorch's; "
        "rivals: the straightforward loop by diffusers, and a peer that enlarges the same clip; "
        "flops: operations of a 1080p job with the full-size network, counted on fake tensors; "
        "full: the full-size network with random weights, for a GPU: its cost only; "
        "farm: a simulation of a film on many devices"
    )
    parser.add_argument("what", choices=[*MEASUREMENTS, "flops", "full", "farm"], help=what)
    parser.add_argument("--model", default="compact", metavar="NAME", help="a model (default: compact)")
    parser.add_argument(
        "--clip", type=Path, metavar="FILE", help="a video (default: the bundled sample; farm: a film of two hours)"
    )
    tile, window = f"side of a tile in latent pixels (default: {BENCH_TILE}", f"frames in a tile (default: {BENCH_WINDOW}"
    parser.add_argument("--tile", type=int, metavar="N", help=f"{tile}; farm: the model's)")
    parser.add_argument("--window", type=int, metavar="N", help=f"{window}; farm: the model's)")
    parser.add_argument("--steps", type=int, metavar="N", help="sampling steps (default: the model's)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="timings of which the fastest counts (default: 5)")
    parser.add_argument("--device", default="auto", help="device to compute on (default: auto)")
    parser.add_argument("--precision", default="auto", help="number format (default: auto)")
    parser.add_argument("--minutes", type=float, default=6.0, metavar="M", help="full: begin no row after so long (default: 6)")
    parser.add_argument("--rows", default="", metavar="NAMES", help="full: the rows to measure, with commas (default: all)")
    parser.add_argument("--lines", type=Path, metavar="FILE", help="full: write every finding to a file, as JSON lines")
    parser.add_argument("--tiny", action="store_true", help="full: a tiny network, to see that everything runs")
    add_simulation_arguments(parser.add_argument_group("farm"))


def add_simulation_arguments(group: Any) -> None:
    """Add the options of ``dcvsr bench farm``."""
    group.add_argument("--simulate", action="store_true", help="required: nothing but time is computed")
    group.add_argument("--order", choices=get_args(SegmentOrder), default="chain", help="as of “dcvsr restore”")
    known = "seconds per evaluation of a tile (default: as earlier runs with such tiles took here)"
    group.add_argument("--tile-seconds", type=float, metavar="S", help=known)
    group.add_argument(
        "--spread", type=float, default=0.15, metavar="X", help="its standard deviation as a share (default: 0.15)"
    )
    speeds = f"of the devices of an unequal farm, 1 for one of --tile-seconds (default: {UNEQUAL})"
    group.add_argument("--speeds", default=UNEQUAL, metavar="X,X,…", help=speeds)
    group.add_argument("--failures", type=float, default=0.05, metavar="X", help="per device and hour (default: 0.05)")
    group.add_argument("--rate", type=float, default=100.0, metavar="X", help="MB/s that all share (default: 100)")
    alone = "that one device takes alone, to look for cuts and to publish (default: 900)"
    group.add_argument("--alone", type=float, default=900.0, metavar="S", help=f"seconds {alone}")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns 0, or 1 where rows of ``full`` failed. Raises `UserError`."""
    if options.what == "full":
        return full(options)
    if options.what == "flops":
        return counted_flops(options)
    if options.what == "farm":
        return simulated_farm(options)
    names = ("model", "steps", "device", "precision")
    tile = {"tile": options.tile or BENCH_TILE, "window": options.window or BENCH_WINDOW}
    settings = RestoreSettings.from_dict({name: getattr(options, name) for name in names} | tile)
    clip = existing_clip(options.clip or resource("clips", "sample.mp4"))
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


def counted_flops(options: argparse.Namespace) -> int:
    """Run ``dcvsr bench flops``, which needs neither clip nor model."""
    from dcvsr_engine.research.bench.flops import measure_flops
    from dcvsr_engine.research.bench.full_network import FULL

    figures = measure_flops(FULL.declaration)
    print(json.dumps([dataclasses.asdict(figure) for figure in figures]) if options.json else flops_table(figures))
    return 0


def simulated_farm(options: argparse.Namespace) -> int:
    """Run ``dcvsr bench farm --simulate``, which reads a clip where one is named; raises `UserError`."""
    from dcvsr_engine.jobs.plans import plan_job
    from dcvsr_engine.planning.request import JobRequest
    from dcvsr_engine.research.bench.farm import FarmConditions, simulate_farms
    from dcvsr_engine.research.bench.film import FILM_BYTES, film_plan, unit_loads

    farms = farms_of(options)
    names = ("model", "tile", "window", "steps", "device", "precision", "order")
    settings = RestoreSettings.from_dict({name: getattr(options, name) for name in names})
    clip = options.clip and existing_clip(options.clip)
    plan = plan_job(JobRequest(source=clip, settings=settings), math.inf) if clip else film_plan(settings)
    tile_seconds = options.tile_seconds or known_tile_seconds(plan)
    loads = unit_loads(plan, tile_seconds, options.spread, clip.stat().st_size / plan.frames if clip else FILM_BYTES)
    conditions = FarmConditions(options.failures, 1e6 * options.rate, options.alone)
    figures = simulate_farms(plan, loads, farms, conditions)
    facts = {"simulation": True, "frames": plan.frames, "shots": plan.shots, "units": len(plan.segments), "order": options.order}
    facts |= {"evaluations": plan.evaluations, "tile_seconds": tile_seconds, "spread": options.spread}
    values = facts | {"conditions": dataclasses.asdict(conditions), "farms": [dataclasses.asdict(figure) for figure in figures]}
    print(json.dumps(values) if options.json else farm_table(facts, conditions, figures))
    return 0


def farms_of(options: argparse.Namespace) -> list[list[float]]:
    """The speeds of the devices of the farms to simulate; raises `SettingsError` where an option makes no sense."""
    if not options.simulate:
        raise SettingsError("“bench farm” only simulates: add --simulate, or run “dcvsr restore --farm” for a real one.")
    # a device that fails more often than once a minute may never finish a unit
    for name, most in (("spread", 10.0), ("failures", 60.0)):
        if getattr(options, name) > most:
            raise SettingsError(f"--{name} must be at most {most:g}, not {getattr(options, name):g}.")
    for name, least in (("tile_seconds", 0.0), ("rate", 0.0), ("spread", -1.0), ("failures", -1.0), ("alone", -1.0)):
        value = getattr(options, name)
        if value is not None and not (math.isfinite(value) and value > least and value >= 0):
            raise SettingsError(
                f"--{name.replace('_', '-')} must be a number above 0, or 0 where that makes sense, not {value:g}."
            )
    try:
        speeds = [float(text) for text in options.speeds.split(",")]
    except ValueError:
        speeds = [0.0]
    if not all(math.isfinite(speed) and speed > 0 for speed in speeds):
        raise SettingsError(f"--speeds takes numbers above 0 with commas, not “{options.speeds}”.")
    return [*([1.0] * count for count in DEVICE_COUNTS), speeds]


def known_tile_seconds(plan: "Plan") -> float:
    """Seconds per evaluation as earlier runs took; raises `SettingsError` where none is remembered."""
    from dcvsr_engine.planning.speeds import with_seconds

    if (seconds := with_seconds(plan).seconds) is None or not plan.evaluations:
        raise SettingsError("No run with this model and such tiles is remembered here: give --tile-seconds.")
    return seconds / plan.evaluations


def existing_clip(clip: Path) -> Path:
    """A clip that is there; raises `InputError`."""
    if not clip.is_file():
        raise InputError(f"“{clip}” does not exist; name a video with --clip.")
    return clip


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
    from dcvsr_engine.research.bench.job_memory import measure_jobs
    from dcvsr_engine.research.bench.memory import measure_memory

    tiles, jobs = measure_memory(settings), measure_jobs(settings.replace(tile=None, window=None))
    values = {
        name: [dataclasses.asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        for name, figures in (("tiles", tiles), ("jobs", jobs))
    }
    return values, f"{memory_table(tiles)}\n\n{job_memory_table(jobs)}"


def kernels(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench kernels``, which needs no clip."""
    from dcvsr_engine.research.bench.kernels import bench_environment, measure_kernels

    figures = measure_kernels(settings, max(1, options.repeats))
    rows = [dataclasses.asdict(figure) | {"gain": figure.gain} for figure in figures]
    return bench_environment() | {"rows": rows}, kernels_table(figures)


def rivals(settings: RestoreSettings, clip: Path, options: argparse.Namespace) -> Measured:
    """Run ``dcvsr bench rivals``."""
    from dcvsr_engine.research.bench.kernels import bench_environment
    from dcvsr_engine.research.bench.rivals import measure_rivals

    figures = measure_rivals(settings, clip, max(1, options.repeats))
    rows = [dataclasses.asdict(figure) | {"gain": figure.gain, "gain_passed": figure.gain_passed} for figure in figures]
    return bench_environment() | {"rows": rows}, rivals_table(figures)


MEASUREMENTS: dict[str, Callable[[RestoreSettings, Path, argparse.Namespace], Measured]] = {
    "propagation": propagation,
    "cost": cost,
    "growth": growth,
    "joins": joins,
    "memory": tile_memory,
    "kernels": kernels,
    "rivals": rivals,
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


def job_memory_table(figures: Sequence["JobFootprint"]) -> str:
    """Format the result of `measure_jobs`, a line per size."""
    lines = [
        "Peak of the machine's memory while one window of a clip is restored, all of the process counted, GB.",
        "",
        f"{'clip':<18}{'to':>6}{'predicted':>10}{'measured':>10}{'ratio':>8}",
    ]
    for figure in figures:
        clip = f"{figure.width}×{figure.height}, {figure.frames}"
        lines.append(
            f"{clip:<18}{figure.size:>6}{figure.predicted / 1e9:>10.2f}{figure.measured / 1e9:>10.2f}{figure.ratio:>8.3f}"
        )
    return "\n".join(lines)


def flops_table(figures: Sequence["FlopFigure"]) -> str:
    """Format the result of `measure_flops`, a line per job."""
    lines = [
        "Operations of the U-Net for 100 frames of 1920 × 1080, counted on fake tensors; the first line is what an independent",
        "review counted at that commit, and not counted here.",
        "",
        f"{'':<26}{'evaluations':>12}{'upper levels':>14}{'PFLOP':>9}{'share':>8}{'goal':>8}",
    ]
    for figure in figures:
        rows = ["" if count is None else f"{count:,}" for count in (figure.evaluations, figure.upper)]
        goal = "" if figure.goal is None else f"{figure.goal:.2f}"
        lines.append(f"{figure.name:<26}{rows[0]:>12}{rows[1]:>14}{figure.operations / 1e15:>9.1f}{figure.share:>8.3f}{goal:>8}")
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


def rivals_table(figures: Sequence["RivalFigure"]) -> str:
    """Format the result of `measure_rivals`, a line per rival."""
    lines = [
        "Seconds that passed, and of the processor, and how many times as fast this is in each; fastest of timings in turns,",
        "without imports.",
        "",
        f"{'':<26}{'other':>9}{'cpu':>9}{'ours':>9}{'cpu':>9}{'gain':>8}{'cpu':>8}{'goal':>8}{'load':>7}",
    ]
    for figure in figures:
        if figure.other is None or figure.own is None or figure.gain is None or figure.gain_passed is None:
            lines.append(f"{figure.name:<26}  unmeasured: its packages are missing")
            continue
        times = "".join(f"{seconds:>9.2f}" for seconds in (*figure.other, *figure.own))
        gains = f"{figure.gain_passed:>7.2f}×{figure.gain:>7.2f}×"
        lines.append(f"{figure.name:<26}{times}{gains}{figure.goal:>7.1f}×{figure.load:>7.1f}")
    return "\n".join(lines)


def farm_table(facts: dict[str, Any], conditions: "FarmConditions", figures: Sequence["FarmFigures"]) -> str:
    """Format the figures of `simulate_farms`, a line per farm, and what they rest on."""
    lines = [
        f"A SIMULATION, not a measurement: {facts['frames']} frames in {facts['units']} units of {facts['shots']} shots "
        f"({facts['order']}),",
        f"{facts['tile_seconds']:g} s per evaluation of a tile ± {facts['spread']:.0%}, {conditions.failures:g} failures per "
        f"device and hour, {conditions.rate / 1e6:g} MB/s,",
        f"{conditions.alone:g} s by one device alone. Units are taken in the order in which jobs take them.",
        "",
        f"{'devices':<22}{'makespan':>14}{'efficiency':>12}{'idle':>8}{'moved':>12}{'failures':>10}",
    ]
    for figure in figures:
        equal = len(set(figure.speeds)) == 1
        devices = f"{len(figure.speeds)} {'equal' if equal else f'unequal, as {sum(figure.speeds):g}'}"
        lines.append(
            f"{devices:<22}{time_span(figure.makespan):>14}{figure.efficiency:>12.1%}{figure.idle:>8.1%}"
            f"{figure.moved / 1e9:>9.1f} GB{figure.failed:>10}"
        )
    return "\n".join(
        [*lines, "", "Efficiency: of what the same devices would take if none ever waited, failed or did work twice."]
    )
