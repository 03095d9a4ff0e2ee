"""Blocks that are compiled after a first batch: the same numbers up to rounding, once per kind and shape, or plainly."""

import gc
import weakref
from functools import partial

import jobs
import networks
import numpy as np
import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import nn

from dcvsr_engine.diffusion import denoiser, reuse
from dcvsr_engine.diffusion.branch import CONDITIONAL
from dcvsr_engine.diffusion.propagation import BatchLayout, Propagation, TemporalMemory
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import StepStarted
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.network.compiled import COMPILED_KINDS, MOST_VARIANTS, CompiledBlocks, kinds_to_compile
from dcvsr_engine.tiling.grid import TileGrid


@pytest.fixture(autouse=True)
def as_before():
    """What PyTorch keeps per process is as it was afterwards."""
    yield
    torch.compiler.set_stance("default")
    torch.compiler.reset()


class Block(nn.Module):
    """Takes rows of two frames."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x, count=2):
        return self.inner(x).unflatten(0, (-1, count)).sin().flatten(0, 1)


class Graphs:
    """A backend that runs what was traced, and counts."""

    def __init__(self):
        self.traced = self.run = 0

    def __call__(self, graph, inputs):
        self.traced += 1

        def run(*args):
            self.run += 1
            return graph(*args)

        return run


@pytest.fixture
def network():
    return nn.Sequential(Block(), Block(), nn.ReLU()).requires_grad_(False)


def given(rows=2, tokens=5):
    return torch.randn(2 * rows, tokens, 3, generator=torch.Generator().manual_seed(rows))


class Beside:
    """A process that is at work until it is told otherwise."""

    def __init__(self, calls=(), running=False):
        self.calls, self.running, self.failure, self.ended = list(calls), running, None, False

    def end(self):
        self.running, self.ended = False, True


def evaluate(network, blocks, x):
    with torch.no_grad(), blocks.evaluation(len(x) // 2):
        return network(x)


def test_compiled_blocks_give_the_same_for_any_number_of_rows(network):
    plain = {rows: network(given(rows)) for rows in (2, 3, 7)}
    graphs = Graphs()
    blocks = CompiledBlocks(network, (Block,), graphs)
    assert torch.equal(evaluate(network, blocks, given()), plain[2])
    assert blocks.on and blocks.failure is None and graphs.traced == 1  # what was compiled serves every block of a kind
    for rows, expected in plain.items():
        before = graphs.run
        torch.testing.assert_close(evaluate(network, blocks, given(rows)), expected)
        assert graphs.run == before + 2
    assert graphs.traced == 1


def test_another_shape_is_evaluated_plainly_and_compiled_afterwards(network):
    graphs = Graphs()
    blocks = CompiledBlocks(network, (Block,), graphs)
    evaluate(network, blocks, given())
    other, runs = given(tokens=6), []
    plain = network[0].forward.plain(other)
    for _ in range(2):
        evaluate(network, blocks, other)
        runs.append(graphs.run)
    assert graphs.traced == 2 and runs[1] > runs[0]
    torch.testing.assert_close(network[0].forward.compiled(other), plain)


def test_without_a_compiler_the_network_works_on(network, caplog):
    plain = network(given())

    def absent(graph, inputs):
        raise RuntimeError("no C++ compiler\nfound\n\nFor developers: a trace")

    blocks = CompiledBlocks(network, (Block,), absent)
    evaluate(network, blocks, given())
    assert blocks.failure is not None and not blocks.on
    assert torch.equal(evaluate(network, blocks, given()), plain)
    (said,) = (record.getMessage() for record in caplog.records if record.name == "dcvsr_engine.network.compiled")
    assert said.endswith("no C++ compiler found.")


def test_evaluations_that_take_turns_are_all_over_before_anything_is_compiled(network):
    blocks = CompiledBlocks(network, (Block,), Graphs())
    with blocks.evaluation(2):
        evaluate(network, blocks, given())
        assert not blocks.on
    assert blocks.on


def test_what_blocks_were_called_with_is_not_held(network):
    blocks, x = CompiledBlocks(network, (Block,), Graphs()), given()
    held = weakref.ref(x)
    with blocks.evaluation(2):
        evaluate(network, blocks, x)
        del x
        gc.collect()
        assert held() is None


class Told(Block):
    """Is told how many rows it sees, as a residual block is."""

    def forward(self, x, image_only_indicator):
        return super().forward(x, len(x) // len(image_only_indicator))


def test_a_block_may_see_fewer_rows_than_the_batch_has():
    block, graphs, told = Told().requires_grad_(False), Graphs(), torch.zeros(2, 3)
    x = torch.randn(6, 5, 3)
    plain = block(x, image_only_indicator=told)
    blocks = CompiledBlocks(nn.Sequential(block), (Told,), graphs)
    for _ in range(2):
        with torch.no_grad(), blocks.evaluation(4):
            torch.testing.assert_close(block(x, image_only_indicator=told), plain)
    assert blocks.failure is None and graphs.run == 2


class Offering(Block):
    """Hands its input on to the next window, as spatial self-attention does."""

    def __init__(self, propagation):
        super().__init__()
        self.propagation = propagation

    @torch.compiler.disable
    def offer(self, x):
        self.propagation.extend(0, x.unsqueeze(1), x.unsqueeze(1))

    def forward(self, x):
        self.offer(x)
        return super().forward(x)


def test_what_is_compiled_leaves_nothing_to_the_next_window():
    propagation, memory, x = Propagation(), TemporalMemory(1), given(1)
    network = nn.Sequential(Offering(propagation)).requires_grad_(False)
    blocks = CompiledBlocks(network, (Offering,), Graphs())
    layout = BatchLayout((CONDITIONAL,), (TileGrid.build(2, 1, 5, 5, 2).tile(0, 0),))
    with propagation.extended_by(memory), propagation.batch(layout):
        evaluate(network, blocks, x)
    assert blocks.on
    ((key, _),) = memory.offering.values()
    assert key.any() and len(memory.chosen[0]) == 1


@pytest.fixture
def started():
    return []


@pytest.fixture
def start(started):
    def begin(calls):
        started.append(Beside(calls, running=True))
        return started[-1]

    return begin


def test_while_a_process_compiles_the_network_computes_plainly(network, start, started):
    graphs, plain = Graphs(), network(given())
    blocks = CompiledBlocks(network, (Block,), graphs)
    with blocks.beside(start, pytest.fail):
        for _ in range(2):
            assert torch.equal(evaluate(network, blocks, given()), plain)
        assert not blocks.on and graphs.traced == 0
        (process,) = started
        assert [call.block for call in process.calls] == ["0", "1"]
        process.running = False
        evaluate(network, blocks, given())
        assert blocks.on and graphs.traced == 1
        torch.testing.assert_close(evaluate(network, blocks, given()), plain)
        assert graphs.run == 4 and started == [process]  # two examples, two calls


def test_a_process_that_fails_leaves_the_network_plain_with_one_warning(network, start, started):
    told, blocks = [], CompiledBlocks(network, (Block,), Graphs())
    with blocks.beside(start, told.append):
        evaluate(network, blocks, given())
        started[0].running, started[0].failure = False, RuntimeError("it was killed")
        for tokens in (5, 6, 7):
            evaluate(network, blocks, given(tokens=tokens))
    assert not blocks.on and len(started) == 1
    assert told == ["The network is not compiled, and computes plainly: it was killed."]


def test_a_process_that_cannot_be_started_leaves_the_network_plain(network):
    def start(calls):
        raise OSError("no room for a process")

    blocks = CompiledBlocks(network, (Block,), Graphs())
    with blocks.beside(start, lambda sentence: None):
        evaluate(network, blocks, given())
    assert str(blocks.failure) == "no room for a process"


def test_a_job_that_is_over_ends_the_process_and_the_next_one_sends_its_calls_again(network, start, started):
    blocks = CompiledBlocks(network, (Block,), Graphs())
    with pytest.raises(Cancelled), blocks.beside(start, pytest.fail):
        evaluate(network, blocks, given())
        raise Cancelled
    assert started[0].ended
    with blocks.beside(start, pytest.fail):
        evaluate(network, blocks, given())
    assert started[1].calls == started[0].calls


def test_what_is_repeated_in_full_precision_is_not_compiled():
    network, graphs = nn.Sequential(Block()).requires_grad_(False).bfloat16(), Graphs()
    blocks = CompiledBlocks(network, (Block,), graphs)
    network.float()
    evaluate(network, blocks, given())
    assert graphs.traced == 0 and not blocks.on
    network.bfloat16()
    evaluate(network, blocks, given().bfloat16())
    assert blocks.on


def test_a_kind_of_block_is_compiled_for_many_shapes(network):
    limits = []

    def backend(graph, inputs):
        limits.append(torch._dynamo.config.recompile_limit)
        return graph

    evaluate(network, CompiledBlocks(network, (Block,), backend), given())
    assert limits == [MOST_VARIANTS]


def test_on_a_processor_nothing_is_compiled():
    assert kinds_to_compile("all", "cpu") == ()
    assert kinds_to_compile("all", "cuda") == COMPILED_KINDS["all"]


def test_a_later_job_begins_anew(network):
    plain = network(given())
    CompiledBlocks(network, (Block,), Graphs())
    blocks = CompiledBlocks(network, ())
    assert torch.equal(evaluate(network, blocks, given()), plain)
    assert not blocks.on and "forward" not in vars(network[0])


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["transformers", "all"])
def test_the_real_blocks_are_compiled_but_for_spatial_self_attention(asked):
    """As diffusers has them: a GPU computes with those."""
    tested, graphs = networks.denoiser(), Graphs()
    unet = tested.model.unet
    found = [block for block in unet.modules() if isinstance(block, COMPILED_KINDS[asked])]

    def evaluate_rows(rows):
        generator = torch.Generator().manual_seed(rows)
        x, embeddings = torch.randn(rows, 4, 8, 8, 8, generator=generator), torch.randn(rows, 1, 8, generator=generator)
        return tested.network(x, torch.tensor(0.4), embeddings, torch.zeros(rows, 3))

    with torch.no_grad():
        plain = {rows: evaluate_rows(rows) for rows in (2, 3)}
        tested.network.compiled = CompiledBlocks(unet, COMPILED_KINDS[asked], graphs)
        evaluate_rows(2)
        assert tested.network.compiled.failure is None and graphs.traced < len(found)
        for rows, expected in plain.items():
            before = graphs.run
            torch.testing.assert_close(evaluate_rows(rows), expected, atol=1e-5, rtol=1e-5)
            # before and after spatial self-attention
            assert graphs.run - before == len(found) + sum(isinstance(block, BasicTransformerBlock) for block in found)


@pytest.mark.slow
def test_a_job_with_compiled_blocks_is_cancelled_and_goes_on_to_the_frames_of_a_plain_one(
    tmp_path, tiny_model, loader, monkeypatch
):
    clip, graphs = jobs.short_clip(tmp_path / "clip.mkv", 8), Graphs()
    run_job(jobs.request(clip, tmp_path / "plain.mkv", tiny_model), loader=loader)
    # as on a GPU
    monkeypatch.setattr(denoiser, "kinds_to_compile", lambda asked, device: COMPILED_KINDS[asked])
    monkeypatch.setattr(reuse, "CompiledBlocks", partial(CompiledBlocks, backend=graphs))
    monkeypatch.setattr(reuse, "CompileProcess", lambda unet, calls: Beside(calls))
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, compile="transformers")
    with pytest.raises(Cancelled):
        run_job(request, jobs.CancelAt(StepStarted, step=1).watch, loader=loader)
    run_job(request, loader=loader)
    CompiledBlocks(loader(request.settings).unet, ())  # others compute with it, too
    plain, compiled = (np.stack(jobs.pictures(tmp_path / name)) for name in ("plain.mkv", "out.mkv"))
    assert graphs.run and np.array_equal(plain, compiled)
