"""The benchmarks on a tiny model: their figures against plain definitions, and their tables."""

import gc
import json
import math
import mmap
from dataclasses import replace

import jobs
import networks
import numpy as np
import pytest
import torch
from diffusers.models.attention import FeedForward
from torch.nn import functional as F

from dcvsr_engine import cli
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.errors import InputError, ModelError
from dcvsr_engine.events import StepKind
from dcvsr_engine.jobs.session import load_for
from dcvsr_engine.network.fused import FusedFeedForward, can_fuse
from dcvsr_engine.planning.request import Region
from dcvsr_engine.research.bench import cost, counting, job_memory, kernels, memory, propagation, rivals
from dcvsr_engine.research.bench.command import job_memory_table, kernels_table, rivals_table
from dcvsr_engine.research.bench.workload import load_workload, middle_region
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.probe import probe


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two tiles side by side."""
    return jobs.short_clip(tmp_path_factory.mktemp("bench") / "clip.mkv", 6, width=50, height=32, codec="ffv1")


@pytest.fixture(scope="module")
def chosen(tiny_model):
    return RestoreSettings(model=str(tiny_model), tile=16, window=4, steps=2, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def workload(clip, chosen):
    return load_workload(chosen, clip)


def test_the_middle_of_a_clip_makes_three_by_two_tiles_and_three_windows(chosen, tmp_path):
    workload = load_workload(chosen, jobs.short_clip(tmp_path / "clip.mkv", 9, width=72, height=60, codec="ffv1"))
    grid = workload.grid
    assert (len(grid.columns), len(grid.rows), len(grid.windows)) == (3, 2, 3)
    assert (grid.width, grid.height, workload.frames) == (32, 24, 8)
    assert workload.region == Region(x=4, y=6, width=64, height=48)
    assert workload.condition.shape == workload.noise.shape == (8, 24, 24, 32)


def test_a_small_clip_gives_what_it_has(workload, clip):
    assert workload.region == Region(x=1, y=0, width=48, height=32)
    with pytest.raises(InputError, match="too small"):
        middle_region(probe(clip), 100, 100, workload.model, 3)


def test_neighbours():
    grid = TileGrid.build(6, 24, 32, 16, 4)
    assert len(list(propagation.beside(grid))) == 2 * (2 * 2 + 3)
    assert len(list(propagation.following(grid))) == 6
    for pairs in (propagation.beside(grid), propagation.following(grid)):
        for first, second in pairs:
            assert propagation.overlap(torch.zeros(4, 1, 16, 16), first, second).numel() == 4 * 16 * 16 / 2


def test_disagreement_is_the_rms_difference_in_the_overlap():
    grid = TileGrid.build(2, 8, 12, 8, 2)
    whole = torch.randn(2, 1, 8, 12)
    first, second = grid
    tiles = {tile: whole[:, :, :, tile.left : tile.left + 8].clone() for tile in grid}
    outcome = propagation.StepResult(whole, tiles)
    assert propagation.disagreement(outcome, [(first, second)]) == 0
    tiles[second][0, 0, 3, 1] += 2
    tiles[second][0, 0, 3, 6] += 9
    assert propagation.disagreement(outcome, [(first, second)]) == pytest.approx(2 / math.sqrt(2 * 8 * 4))


def test_propagation_is_measured_step_by_step(workload):
    denoiser = workload.denoiser()
    figures = list(propagation.measured_steps(workload, denoiser))
    assert [(figure.step, figure.kind) for figure in figures] == [(0, StepKind.SAP), (1, StepKind.TAP_FORWARD)]
    for figure in figures:
        values = figure.tiles_off, figure.tiles_on, figure.windows_off, figure.windows_on, figure.two_pass
        assert all(math.isfinite(value) and value > 0 for value in values)
        assert figure.tiles_on != figure.tiles_off
        assert figure.windows_on != figure.windows_off
    assert figures[0].cached is None
    assert math.isfinite(figures[1].cached)
    x = workload.noise * workload.model.declaration.sigma_max
    kept = propagation.evaluate_kind(
        workload, denoiser, x, steps_of(workload.settings, workload.model.declaration)[0], StepKind.PLAIN
    )
    grid = workload.grid
    total, count = 0.0, 0
    for n in range(2):
        left, right = kept.tiles[grid.tile(0, n)].numpy(), kept.tiles[grid.tile(1, n)].numpy()
        total += np.square(left[..., 8:] - right[..., :8]).sum(dtype=float)
        count += 4 * 24 * 16 * 8
    assert figures[0].tiles_off == pytest.approx(math.sqrt(total / count), rel=1e-5)


def test_flops_of_the_processors_attention_are_counted():
    query, key = torch.zeros(2, 3, 8, 4), torch.zeros(2, 3, 20, 4)
    with torch.no_grad():
        assert counting.flops(lambda: F.scaled_dot_product_attention(query, key, key)) == 2 * 3 * 2 * 2 * 8 * 20 * 4
        assert counting.flops(lambda: torch.zeros(5, 6) @ torch.zeros(6, 7)) == 2 * 5 * 6 * 7
        layer = FeedForward(8, activation_fn="geglu")
        assert can_fuse(torch.float32)  # asked once, by a product that would be counted
        assert counting.flops(lambda: FusedFeedForward(layer)(torch.zeros(3, 5, 8))) == 2 * 15 * 8 * (64 + 32)


def test_a_random_network_of_the_models_shape_has_distinct_branches(workload):
    denoiser = cost.with_embedding(workload.model)
    assert denoiser.distinct
    assert denoiser.model.unet is not workload.model.unet
    assert {name: value.shape for name, value in denoiser.model.unet.state_dict().items()} == {
        name: value.shape
        for name, value in networks.unet(in_channels=48, out_channels=24, num_attention_heads=(1, 1)).state_dict().items()
    }
    cfg, dssag, pag = cost.guided_tiles(workload)
    assert not torch.allclose(cfg(), dssag())
    assert not torch.allclose(cfg(), pag())


def test_the_memory_of_an_allocation_is_seen():
    gc.collect()
    # mapped, as the C library would hand out pages that earlier tests have left resident
    with mmap.mmap(-1, 2**28) as mapped, memory.ResidentPeak() as peak:
        held = np.frombuffer(mapped, np.uint8)
        for value in range(3):
            held[:] = value
        del held
    assert 0.75 < peak.growth / 2**28 < 1.25


def test_the_straightforward_loop_does_the_same_work_plainly(workload, monkeypatch):
    seen = []
    monkeypatch.setattr(rivals, "evaluate_network", lambda unet, sample: seen.append(sample) or sample[:, :, :24] * 0)
    plain = kernels.plain_network(workload.model)
    paper = replace(workload, settings=workload.settings.replace(guidance="dssag", guidance_scale=2.0, steps=2))
    out = rivals.straightforward(paper, plain)
    # a SAP step of two branches in two passes; a TAP step at the lowest noise level, where γ is 0 and the branches are one
    assert len(seen) == len(workload.grid) * (2 * 2 + 1)
    assert out.shape == workload.noise.shape and out.isfinite().all()
    # the network says 0: x̂_0 = c_skip · x in each step
    first, second = rivals.workload_steps(paper)
    skip = [1 / (step.sigma**2 + 1) for step in (first, second)]
    x = workload.noise * first.sigma
    x = skip[0] * x + (x - skip[0] * x) * second.sigma / first.sigma
    torch.testing.assert_close(out, skip[1] * x, rtol=1e-4, atol=1e-5)


def test_a_peer_that_is_not_there_is_unmeasured(chosen, clip, monkeypatch):
    def missing(name):
        raise ModelError("missing")

    monkeypatch.setattr(rivals, "peer", missing)
    figure = rivals.peer_figure(chosen, clip, 1)
    assert figure.gain is None and "unmeasured" in rivals_table([figure])
    measured = replace(figure, other=(4.0, 6.0), own=(2.0, 4.0))
    assert (measured.gain, measured.gain_passed) == (1.5, 2.0) and "2.00×   1.50×" in rivals_table([measured])


def test_the_memory_of_a_job_is_planned_and_seen(tiny_model):
    found = job_memory.measured_job(jobs.settings(tiny_model, window=3, size="x4", sap=False, tap=False), 48, 32)
    assert found.frames == 3 and found.predicted > 2**20 and found.measured > 2**20
    assert "48×32, 3" in job_memory_table([found])


def test_only_the_first_tiles_are_evaluated(tiny_model):
    model = job_memory.abbreviated(jobs.settings(tiny_model))
    sample = torch.ones(1, 2, model.unet.config.in_channels, 16, 16)
    outputs = [kernels.evaluate_network(model.unet, sample) for _ in range(job_memory.EVALUATED + 1)]
    assert all(output.any() for output in outputs[:-1]) and not outputs[-1].any()
    assert outputs[-1].shape == outputs[0].shape


def test_the_command_prints_tables_and_json(clip, tiny_model, capsys, monkeypatch):
    monkeypatch.setattr(cost, "peak_bytes", lambda settings, frames, height, width: frames * height * width * 32 * 4 * 40)
    common = [
        "--model",
        str(tiny_model),
        "--clip",
        str(clip),
        "--tile",
        "16",
        "--window",
        "4",
        "--device",
        "cpu",
        "--precision",
        "fp32",
    ]
    assert cli.main(["bench", "propagation", *common, "--steps", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[:4] == ["1", "TAP", "forward", "20.000"]
    assert lines[-1].endswith("–")
    assert cli.main(["bench", "cost", *common, "--repeats", "1", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["maps_alive"] == pytest.approx(40)
    assert values["tile"] == "16×16×4"
    assert 1 < values["cached_sap"]["work"] < 3
    assert 1 < values["tap"]["work"] < 3
    assert values["pag_to_dssag"] > 0  # a ratio of two times: how large it is depends on what else the machine does
    assert values["sampling_to_network"] >= 1  # the one contains the other
    table = cost_table(values)
    assert "DSSAG / CFG" in table
    assert "random weights" in table


def cost_table(values):
    from dcvsr_engine.research.bench.command import cost_table

    ratios = {name: cost.Ratio(**values[name]) for name in ("cached_sap", "tap")}
    return cost_table(cost.Cost(**(values | ratios)))


def test_bad_input_of_the_command(tmp_path, tiny_model, capsys):
    assert cli.main(["bench", "cost", "--clip", str(tmp_path / "gfigure.mp4")]) == 2
    assert "does not exist; name a video" in capsys.readouterr().err
    assert cli.main(["bench", "cost", "--tile", "3"]) == 2
    assert "tile must be between 16 and 256" in capsys.readouterr().err
    single = jobs.short_clip(tmp_path / "single.mkv", 2, codec="ffv1")
    assert cli.main(["bench", "propagation", "--model", str(tiny_model), "--clip", str(single), "--tile", "16"]) == 2
    assert "makes a single tile or window" in capsys.readouterr().err


def test_kernels_are_measured_and_those_of_a_missing_gpu_are_not(chosen, capsys):
    options = ["--model", chosen.model, "--tile", "16", "--window", "2", "--repeats", "1", "--device", "cpu"]
    assert cli.main(["bench", "kernels", *options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["torch"] == torch.__version__ and printed["threads"] == 1
    here = [row for row in printed["rows"] if row["device"] == "cpu"]
    assert len(here) == 8 and all(row["gain"] == row["plain"] / row["own"] for row in here)
    assert [row["name"] for row in printed["rows"] if row["gain"] is None] == [row["name"] for row in here]
    assert "unmeasured" in kernels_table([kernels.KernelFigure("feed-forward", "cuda", "bf16")])


def test_works_beside_each_other_compute_the_same(chosen):
    with torch.no_grad():
        for name, (plain, own) in kernels.works_of(load_for(chosen), 8, 2).items():
            if not name.startswith("network"):  # random numbers in one, the model's in the other
                torch.testing.assert_close(own().reshape(plain().shape), plain(), atol=1e-4, rtol=1e-4)
