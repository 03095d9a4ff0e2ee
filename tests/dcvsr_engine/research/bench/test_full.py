"""The benchmark of the full network, on its tiny one."""

import json
from functools import partial

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn

from dcvsr_engine import cli
from dcvsr_engine.diffusion import denoiser, reuse
from dcvsr_engine.network import oom
from dcvsr_engine.network.compiled import COMPILED_KINDS, CompiledBlocks
from dcvsr_engine.network.fused import PlanarConvolution, flatten_convolutions, order_convolutions
from dcvsr_engine.research.bench import full, full_memory, full_network, full_savings, full_steps, full_tiles
from dcvsr_engine.research.bench.full_network import FULL, TINY


@pytest.fixture(autouse=True)
def nothing_is_released(monkeypatch):
    """Rows and retries do not collect garbage in between, which takes longer than all of them on this tiny network."""
    for module in (full, full_steps, full_tiles):
        monkeypatch.setattr(module, "release", lambda: None)
    monkeypatch.setattr(oom, "clear_device_cache", lambda garbage_collection: None)


@pytest.fixture(scope="module")
def stand():
    return full.Stand(TINY, "cpu", "fp32")


def findings(row, stand):
    with torch.no_grad():
        return list(row(stand))


def test_the_full_size_is_svds():
    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel.from_config(FULL.unet)
    assert sum(weight.numel() for weight in unet.parameters()) == 1_524_623_082
    assert tuple(full.all_rows()) == full.ROW_NAMES


def test_random_weights_are_the_same_every_time(stand):
    again = full.Stand(TINY, "cpu", "fp32").model.unet.state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in stand.model.unet.state_dict().items())
    assert {float(weight.std()) > 0 for name, weight in again.items() if weight.ndim > 1} == {True}
    assert torch.equal(again["conv_norm_out.weight"], torch.ones(32))


def test_rows_come_one_by_one_and_a_failure_is_a_line(tmp_path, monkeypatch, capsys):
    def broken(stand):
        yield "first", {"value": 1}
        raise RuntimeError("out\nof order")

    rows = {"environment": broken, "dense": full.dense_rate, "tile": full.dense_rate}
    monkeypatch.setattr(full, "all_rows", lambda: rows)
    lines = tmp_path / "lines.jsonl"
    words = ["bench", "full", "--tiny", "--device", "cpu", "--precision", "fp32", "--lines", str(lines)]
    assert cli.main([*words, "--rows", "environment,dense"]) == 1
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [line["row"] for line in found] == ["begin", "environment", "environment", "dense", "end"]
    assert found[2]["error"] == "RuntimeError: out of order"
    assert {line["label"] for line in found} == {full.LABEL}
    assert found[3]["flops_per_second"] > 0
    assert "failed: RuntimeError: out of order" in capsys.readouterr().out
    assert cli.main(words) == 2 and "exists already" in capsys.readouterr().err
    assert cli.main([*words[:-2], "--minutes", "0"]) == 1
    assert "left out" in capsys.readouterr().out
    assert cli.main([*words[:-2], "--rows", "tiles"]) == 2


def test_a_row_that_takes_too_long_is_ended(stand, capsys):
    def endless(stand):
        while True:
            yield "on", {}

    assert not full.run_row("tile", endless, stand, 0.01, full.FindingLog(None))
    assert "RowTooLong" in capsys.readouterr().out


def test_the_time_limit_is_named_whatever_a_compiler_makes_of_it(stand, capsys):
    def compiling(stand):
        yield "on", {}
        try:
            while True:
                pass
        except full.RowTooLong as error:
            raise RuntimeError(f"InductorError: {error}") from None

    assert not full.run_row("compile", compiling, stand, 0.01, full.FindingLog(None))
    assert "failed: RowTooLong: more than 0 s" in capsys.readouterr().out


def test_tiles_and_ways_are_measured(stand):
    counted, *batches = findings(full_tiles.tile_row, stand)
    assert counted[1]["flops"] > 1e8
    assert [values["rows"] for _, values in batches] == [1, 2]
    assert all(values["planned_bytes"] > 0 for _, values in batches)
    ways = [values["way"] for _, values in findings(full_tiles.ways_row, stand)]
    assert ways[0] == "naive" and full_tiles.PLANAR_WAY in ways
    assert {values["work"] for _, values in findings(full_tiles.first_stage_row, stand)} == {"encode", "decode"}
    frames = findings(full_steps.frames_row, stand)
    assert len(frames) == 7 and all(values["seconds_per_frame"] > 0 for _, values in frames[1:])


def test_what_is_saved_is_measured_and_what_cannot_be_says_so(stand):
    ways = [values for _, values in findings(full_savings.preview_row, stand)]
    assert [values["way"] for values in ways] == ["autoencoder", "linear map"] and ways[0]["share"] == 1
    ((_, front),) = findings(full_savings.front_row, stand)
    assert front["gain"] == front["by_itself"] / front["shared"]
    assert findings(full_savings.waits_row, stand) == [("not measured: there is no CUDA device", {"waits": None})]


def test_a_network_that_is_not_compiled_is_a_finding(stand, monkeypatch):
    def absent(graph, inputs):
        raise RuntimeError("no compiler")

    assert findings(full_savings.compile_row, stand) == [("not measured: for a processor nothing is compiled", {"gain": None})]
    for module in (denoiser, full_savings):  # as on a GPU
        monkeypatch.setattr(module, "kinds_to_compile", lambda asked, device: COMPILED_KINDS[asked])
    monkeypatch.setattr(reuse, "CompiledBlocks", partial(CompiledBlocks, backend=absent))
    monkeypatch.setattr(full_savings, "COMPILED_IN_TURN", ("transformers",))
    (_, plain), (text, values) = findings(full_savings.compile_row, stand)
    assert (
        plain["seconds_per_guided_tile"] > 0
        and "no compiler" in values["error"]
        and text.startswith("transformers: not compiled")
    )


def test_temporal_convolutions_as_planar_ones_give_the_same_numbers(stand):
    unet = full_tiles.fresh_unet(stand)
    denoiser = full_tiles.Denoiser(full_tiles.model_with(stand, unet))
    work = full_tiles.guided_work(stand, denoiser, 1, guided=True)
    with torch.no_grad():
        before = work()
        order_convolutions(unet)
        flatten_convolutions(unet)
        after = work()
    assert sum(isinstance(module, PlanarConvolution) for module in unet.modules()) > 0
    assert before.std() > 0
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_steps_and_the_ladder_are_measured(stand, monkeypatch):
    kinds = {name: full_steps.TIMED_KINDS[name] for name in ("plain", "SAP staged", "TAP")}
    monkeypatch.setattr(full_steps, "TIMED_KINDS", kinds)
    *steps, share = findings(full_steps.steps_row, stand)
    assert [values["kind"] for _, values in steps] == list(kinds)
    assert share[1]["merge_seconds"] > 0
    full_evaluate, rows = full_memory.Denoiser.evaluate, []

    def evaluate(self, x, sigma, condition, tiles, branches):
        rows.append(len(tiles) * len(branches))
        if rows[-1] > 1:
            raise MemoryError
        return full_evaluate(self, x, sigma, condition, tiles, branches)

    monkeypatch.setattr(full_memory.Denoiser, "evaluate", evaluate)
    monkeypatch.setattr("dcvsr_engine.diffusion.reuse.LARGE_NETWORK", 1)  # a processor evaluates tiles of a small one one by one
    *said, end = findings(full_memory.ladder_row, stand)
    assert end[1]["finite"] and end[1]["schedule"] == "staged" and end[1]["batch"] == 1
    assert len(said) >= 2 and max(rows) == 8


def test_the_limit_of_attention_is_looked_at(stand):
    outcomes = {(values["rows"], values["backend"]): values for _, values in findings(full_memory.attention_row, stand)}
    assert outcomes[8, "MATH"]["outcome"].startswith("runs")
    assert outcomes[8, "engine"]["difference"] < 1e-6


def test_random_networks_have_their_norms_at_one():
    network = full_network.random_network(UNetSpatioTemporalConditionModel, TINY.unet, "cpu", torch.bfloat16)
    norms = [module for module in network.modules() if isinstance(module, nn.GroupNorm)]
    assert norms and all(torch.equal(norm.weight, torch.ones_like(norm.weight)) for norm in norms)
    assert network.dtype == torch.bfloat16
