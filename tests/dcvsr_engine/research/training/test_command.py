"""``dcvsr train``: clear sentences for what is missing, and Ctrl-C leaves a checkpoint."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from dcvsr_engine.cli import EXIT_BAD_INPUT, EXIT_CANCELLED, EXIT_DONE, main
from dcvsr_engine.research.training import trainer as module
from dcvsr_engine.research.training.log import read_rows


@pytest.fixture
def arguments(start: Path, tmp_path: Path) -> list[str]:
    """A run of four iterations on thirty pictures, some of which are held out by their names."""
    folder = tmp_path / "usr/share/games/endless-sky/images/land"
    folder.mkdir(parents=True)
    for number in range(30):
        Image.effect_noise((480, 360), 90).convert("RGB").save(folder / f"beach{number}.jpg")
    recipe = {
        "name": "tiny", "start": str(start), "scratch": True, "bf16": [], "log_every": 1,
        "phases": [{"iterations": 4, "batch": 1, "size": 32}], "validation": {"clips": 1, "size": 32, "steps": [1]},
    }  # fmt: skip
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    return ["train", str(tmp_path / "recipe.json"), "-o", str(tmp_path / "run"), "--photos", str(tmp_path), "--device", "cpu"]


def change(tmp_path: Path, **values: object) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_ctrl_c_leaves_a_checkpoint_and_resume_ends_the_run(arguments, tmp_path, monkeypatch, capsys) -> None:
    before = signal.getsignal(signal.SIGINT)
    finish = module.Trainer.finish_iteration

    def interrupted(trainer: module.Trainer, report: object) -> None:
        finish(trainer, report)  # type: ignore[arg-type]
        if trainer.state.iteration == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(module.Trainer, "finish_iteration", interrupted)
    assert main(arguments) == EXIT_CANCELLED
    monkeypatch.undo()
    assert "Stopped in iteration 3" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "run" / "last" / "state.safetensors").is_file()

    assert main(arguments) == EXIT_BAD_INPUT
    assert "add --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == EXIT_DONE
    assert [row["iteration"] for row in read_rows(tmp_path / "run" / "log.csv")] == ["1", "2", "3", "4"]
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == EXIT_DONE
    assert "is complete: 4 iterations" in capsys.readouterr().out


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_all_processes_and_leaves_a_checkpoint(arguments, tmp_path) -> None:
    change(tmp_path, phases=[{"iterations": 10**6, "batch": 1, "size": 32}])
    command = [sys.executable, "-m", "dcvsr_engine", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "run" / "log.csv").is_file():
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == EXIT_CANCELLED
    assert "Stopped in iteration" in out
    assert err == "dcvsr: cancelled\n"
    assert (tmp_path / "run" / "last" / "state.safetensors").is_file()


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_two_batches(arguments, tmp_path) -> None:
    """Two processes against accumulation over two batches: the same data, noise and mean gradient, so the same weights."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "dcvsr_engine"]
    subprocess.run([*launch, *arguments], check=True, timeout=280)
    change(tmp_path, accumulate=2)
    assert main([*arguments, "-o", str(tmp_path / "alone")]) == EXIT_DONE
    two, one = (load_file(tmp_path / run / "last" / "state.safetensors") for run in ("run", "alone"))
    assert int(two["iteration"]) == 4
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one if name.startswith(("unet.", "ema.")))
    rows = [read_rows(tmp_path / run / "log.csv") for run in ("run", "alone")]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"start": "nowhere"}, [], "name its folder with --start"),
        ({}, ["--start", "elsewhere"], "“elsewhere” holds no unet/config.json"),
        ({"warmup": 3}, [], "There is no key “warmup”"),
        ({}, ["--resume"], "leave out --resume"),
        ({"declaration": {"steps": 0}}, [], "declaration is not understood"),
        ({"declaration": {"stepz": 1}}, [], "declaration is not understood"),
        ({"dropout": 0.1}, [], "nothing to drop"),
        ({}, ["--photos", "/nowhere"], "No training photographs"),
        ({}, ["--device", "tpu"], "invalid choice"),
    ],
)
def test_bad_input_is_one_sentence(arguments, tmp_path, capsys, changes, options, sentence) -> None:
    change(tmp_path, **changes)
    assert main([*arguments, *options]) == EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_device_that_is_not_there_is_named(arguments, capsys) -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is there")
    assert main([*arguments, "--device", "cuda"]) == EXIT_BAD_INPUT
    assert "“cuda” is not available" in capsys.readouterr().err


def test_missing_weights_of_the_perceptual_loss_name_the_extra(arguments, tmp_path, capsys, monkeypatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "stlpips_pytorch" else find(name, *rest))
    change(tmp_path, phases=[{"iterations": 1, "perceptual": 1.0}])
    assert main(arguments) == EXIT_BAD_INPUT
    assert "pip install dcvsr-studio[" in capsys.readouterr().err
