"""The process that compiles: this one finds what it has compiled, is told why it failed, and can end it."""

import shutil
import time

import networks
import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from torch._dynamo.utils import counters

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.diffusion.compile_process import CompileProcess
from dcvsr_engine.network.compiled import BlockCall, CompiledBlocks
from dcvsr_engine.network.fused import adapt_to_device

pytestmark = pytest.mark.slow
ROWS, FRAMES = 2, 3


@pytest.fixture
def unet(monkeypatch, tmp_path):
    """A U-Net, and an empty folder of compiled code."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    unet = networks.unet()
    adapt_to_device(unet, "cpu")
    install_processors(unet)
    yield unet
    torch.compiler.set_stance("default")
    torch.compiler.reset()


def wait_for(process):
    end = time.monotonic() + 300
    while process.running and time.monotonic() < end:
        time.sleep(0.05)
    assert not process.running


def evaluate(unet, blocks):
    x = torch.randn(ROWS, FRAMES, 2 * networks.CHANNELS, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), blocks.evaluation(ROWS):
        return unet(x, 0.4, torch.zeros(ROWS, 1, networks.EMBEDDING), torch.zeros(ROWS, 3)).sample


@pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch compiles by g++")
def test_this_process_finds_what_that_one_has_compiled(unet):
    blocks, processes = CompiledBlocks(unet, (BasicTransformerBlock,)), []

    def start(calls):
        processes.append(CompileProcess(unet, calls))
        return processes[0]

    with blocks.beside(start, pytest.fail):
        plain = evaluate(unet, blocks)
        wait_for(processes[0])
        counters.clear()
        evaluate(unet, blocks)
    assert blocks.on and blocks.failure is None
    assert counters["inductor"]["fxgraph_cache_hit"] > 0 and counters["inductor"]["fxgraph_cache_miss"] == 0
    torch.testing.assert_close(evaluate(unet, blocks), plain, atol=1e-5, rtol=1e-5)


def test_it_says_why_it_has_failed(unet):
    process = CompileProcess(unet, [BlockCall("nowhere", 2, (), ())])
    wait_for(process)
    assert all("nowhere" in str(process.failure) for _ in range(2))


def test_it_can_be_ended_at_once(unet):
    process = CompileProcess(unet, [])
    assert process.running and process.failure is None
    process.end()
    assert not process.running and "ended unexpectedly" in str(process.failure)
