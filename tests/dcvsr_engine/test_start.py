"""What a command imports before it says what is wrong, plans, or restores, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import jobs

ROOT = Path(__file__).parents[2]
COMMANDS = """
import json, sys
from dcvsr_engine.cli import main
for words in json.loads(sys.argv[1]):
    code = main(words)
    print("CODE", code, [name for name in ("torch", "diffusers", "torch._dynamo") if name in sys.modules])
"""


def run_commands(*commands, more=""):
    """Run commands one after the other, then ``more`` code; returns the exit code of each and what is imported after it."""
    words = json.dumps([list(map(str, command)) for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS + more, words], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("CODE ") for line in done.stdout.splitlines() if line.startswith("CODE ")], done.stderr


def test_what_needs_no_network_is_done_and_refused_without_torch(tmp_path, tiny_model):
    clip, text = jobs.short_clip(tmp_path / "clip.mkv", 2), tmp_path / "text.mp4"
    text.write_text("no video")
    there, model = tmp_path / "there.mkv", ("--model", tiny_model)
    there.touch()
    refused = {
        ("restore", tmp_path / "none.mp4", "-o", tmp_path / "x.mkv"): "does not exist",
        ("restore", text, "-o", tmp_path / "x.mkv"): "text.mp4",
        ("restore", clip, "-o", there, *model): "there.mkv",
        ("restore", clip, "-o", tmp_path / "no" / "x.mkv", *model): "does not exist; create it",
        ("restore", clip, "-o", tmp_path / "x.mkv", "--model", "none"): "no model “none”",
        ("restore", clip, "-o", tmp_path / "x.mkv", "--frames", "5-7", *model): "so frame 5 is not in it",
        ("restore", clip, "-o", tmp_path / "x.mkv", "--region", "0,0,999,9", *model): "region",
        ("restore", clip, "-o", tmp_path / "x.mkv", "--codec", "none"): "codec",
        ("restore", tmp_path / "a.mp4", tmp_path / "b.mp4"): "b.mp4” does not exist",
        ("plan", tmp_path / "none.mp4"): "does not exist",
        ("info", tmp_path / "none.mp4"): "does not exist",
        ("resume", "none"): "none",
    }
    done = [("info", clip), ("jobs",), ("models",), ("gpu",)]
    answers, said = run_commands(*done, *refused)
    assert answers == ["0 []"] * len(done) + ["2 []"] * len(refused), said
    assert all(sentence in said for sentence in refused.values()), said
    assert all(line.startswith(("dcvsr: ", "failed: ")) for line in said.splitlines()), said


def test_a_job_imports_no_compiler_which_compiles_afterwards_all_the_same(tmp_path):
    """Also what diffusers marks as not to be compiled; plans need no network."""
    clip = jobs.short_clip(tmp_path / "clip.mkv", 2)
    compiled = """
import torch
from diffusers.models.attention_processor import Attention
from dcvsr_engine.diffusion.attention import SpatialSelfAttention
from dcvsr_engine.diffusion.propagation import Propagation
graphs, layer, x = [], Attention(8, heads=1), torch.randn(2, 3, 8)
layer.set_processor(SpatialSelfAttention(Propagation(), None, middle=False, gets_gamma=False))
@torch.no_grad()
def block(x):
    return layer(x.cos()).sin()
def backend(graph, inputs):
    graphs.append([node.name for node in graph.graph.nodes if node.op == "call_function" or node.op == "call_method"])
    return graph
torch.testing.assert_close(torch.compile(block, backend=backend)(x), block(x))
print("CODE", graphs)
"""
    words = ["restore", clip, "-o", tmp_path / "out.mkv", "--steps", "1", "--device", "cpu"]
    answers, said = run_commands(["plan", clip], words, more=compiled)
    assert answers == ["0 ['torch']", "0 ['torch', 'diffusers']", "[['cos'], ['sin']]"], said
