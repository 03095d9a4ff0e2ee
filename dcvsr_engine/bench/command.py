"""``dcvsr bench``: its options, and tables of what was measured. Nothing heavy is imported before it runs."""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dcvsr_engine.errors import InputError
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import RestoreSettings

if TYPE_CHECKING:
    from dcvsr_engine.bench.cost import Cost
    from dcvsr_engine.bench.propagation import StepFigures

DESCRIPTION = "Measure what propagation does for neighbouring tiles, or what it and guidance cost on this machine."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("what", choices=["propagation", "cost"])
    parser.add_argument("--model", default="compact", metavar="NAME", help="a model (default: compact)")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a video (default: the bundled sample)")
    parser.add_argument("--tile", type=int, default=32, metavar="N", help="side of a tile in latent pixels (default: 32)")
    parser.add_argument("--window", type=int, default=6, metavar="N", help="frames in a tile (default: 6)")
    parser.add_argument("--steps", type=int, metavar="N", help="sampling steps (default: the model's)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="timings of which the fastest counts (default: 5)")
    parser.add_argument("--device", default="auto", help="what computes (default: auto)")
    parser.add_argument("--precision", default="auto", help="number format (default: auto)")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns 0. Raises `UserError`."""
    names = ("model", "tile", "window", "steps", "device", "precision")
    settings = RestoreSettings.from_dict({name: getattr(options, name) for name in names})
    clip = options.clip or resource("clips", "sample.mp4")
    if not clip.is_file():
        raise InputError(f"“{clip}” does not exist; name a video with --clip.")
    if options.what == "propagation":
        from dcvsr_engine.bench.propagation import measure

        figures = measure(settings, clip)
        values = [dataclasses.asdict(one) for one in figures]
        print(json.dumps(values) if options.json else propagation_table(figures))
    else:
        from dcvsr_engine.bench.cost import measure_cost

        cost = measure_cost(settings, clip, max(1, options.repeats))
        print(json.dumps(dataclasses.asdict(cost)) if options.json else cost_table(cost))
    return 0


def propagation_table(figures: Sequence["StepFigures"]) -> str:
    """Figures for people."""
    lines = [
        "RMS difference between neighbouring results in their overlap, before merging, from the same noisy latents;",
        "and how far the SAP schedules are from lockstep, as a share of what SAP changes.",
        "",
        f"{'step':<6}{'kind':<8}{'σ':>8} │{'tiles: off':>11}{'SAP':>9}{'':>9} │{'windows: off':>13}{'TAP':>9}{'':>9} │"
        f"{'two-pass':>9}{'cached':>8}",
    ]
    for one in figures:
        cached = "–" if one.cached is None else f"{one.cached:.0%}"
        lines.append(
            f"{one.step + 1:<6}{one.kind:<8}{one.sigma:>8.3f} │"
            f"{one.tiles_off:>11.4f}{one.tiles_on:>9.4f}{one.tiles_on / one.tiles_off - 1:>+9.1%} │"
            f"{one.windows_off:>13.4f}{one.windows_on:>9.4f}{one.windows_on / one.windows_off - 1:>+9.1%} │"
            f"{one.two_pass:>9.0%}{cached:>8}"
        )
    return "\n".join(lines)


def cost_table(cost: "Cost") -> str:
    """Figures for people."""
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
