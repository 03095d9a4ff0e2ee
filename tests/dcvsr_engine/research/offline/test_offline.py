"""``dcvsr train offline``: pack, run in two calls without anything installed, unpack, resume."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dcvsr_engine.cli import EXIT_BAD_INPUT, EXIT_DONE, main
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS
from dcvsr_engine.research.offline.busy import measured_busy
from dcvsr_engine.research.offline.package import open_package
from dcvsr_engine.research.offline.runner import packed_distances, packed_photographs
from dcvsr_engine.research.training.log import read_rows
from dcvsr_engine.research.training.prior_recipe import PriorRecipe, read_recipe
from dcvsr_engine.resources import resource


@pytest.fixture
def call(root, monkeypatch, capsys):
    """Run a call in this process; returns what it prints."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(work: str, out: str, *words: str) -> str:
        assert main(run_words(root, work, out, *words)) == EXIT_DONE
        said: str = capsys.readouterr().out
        return said

    return run


def run_words(root: Path, work: str, out: str, *words: str) -> list[str]:
    where = ["-o", str(root / out), "--work", str(root / work), "--device", "cpu"]
    return ["train", "offline", "run", str(root / "package"), *where, *words]


def call_without_installation(root: Path, work: str, out: str, *words: str) -> str:
    """Run a call by the package's own program in another folder; returns what it prints."""
    command = [sys.executable, "-P", str(root / "package/1/source.zip"), *run_words(root, work, out, *words)[2:]]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def state(folder: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = load_file(folder / "last/state.safetensors")
    return tensors


def test_a_prior_trained_in_two_calls_is_the_one_trained_in_one_and_resumes(root, pack_words, call, capsys):
    assert main(pack_words) == EXIT_DONE
    assert "package/1: " in capsys.readouterr().out
    first = call_without_installation(root, "work", "out-1", "--iterations", "1")
    assert "Iterations 1 to 1 in" in first and "GPU busy: not measured" in first and "the next call resumes" in first
    second = call("work", "out-2")
    assert "Preparing clips" in first and "Preparing clips" not in second and "Iterations 2 to 2" in second
    call("other-work", "out-3")
    assert max(path.stat().st_size for path in (root / "out-2").iterdir()) <= 15 * 2**20

    for out in ("out-2", "out-3"):
        assert main(["train", "offline", "unpack", str(root / out), "-o", str(root / f"run-{out}")]) == EXIT_DONE
    assert "--resume resumes it" in capsys.readouterr().out
    two, one = (state(root / f"run-out-{number}") for number in (2, 3))
    assert two.keys() == one.keys() and all(torch.equal(two[name], one[name]) for name in two)
    run = root / "run-out-2"
    assert [row["last"] for row in read_rows(run / "calls.csv")] == ["1", "2"] and (run / "upsampler/model.safetensors").is_file()

    photos = ["--photos", str(root / "photos"), "--device", "cpu"]
    assert main(["train", str(root / "prior.json"), "-o", str(run), "--resume", *photos]) == EXIT_DONE
    assert "complete: 2 iterations" in capsys.readouterr().out


def test_a_diffusion_network_is_packed_with_its_start_and_resumes_on_another_machine(root, start, pack_words, call):
    recipe = {
        "name": "tiny", "start": str(start), "scratch": True, "bf16": [], "workers": 1,
        "phases": [{"iterations": 2, "batch": 1, "size": 32}], "validation": {"clips": 1, "size": 32, "steps": [1]},
    }  # fmt: skip
    (root / "prior.json").write_text(json.dumps(recipe))
    assert main(pack_words) == EXIT_DONE
    call("work", "out", "--iterations", "1")
    assert main(["train", "offline", "unpack", str(root / "out"), "-o", str(root / "run")]) == EXIT_DONE
    assert int(state(root / "run")["iteration"]) == 1 and (root / "run/ema/dcvsr.json").is_file()

    (root / "package").rename(root / "first-package")
    assert main([*pack_words, "--resume", str(root / "run")]) == EXIT_DONE
    assert "Iterations 2 to 2" in call("bare", "out-2")
    (root / "package").rename(root / "second-package")
    (root / "first-package").rename(root / "package")
    call("another", "out-3")
    for out in ("out-2", "out-3"):
        assert main(["train", "offline", "unpack", str(root / out), "-o", str(root / f"run-{out}")]) == EXIT_DONE
    resumed, whole = (state(root / f"run-{out}") for out in ("out-2", "out-3"))
    assert int(resumed["iteration"]) == 2 and all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_prior_and_a_network_over_it_are_trained_by_the_clock_on_the_same_clips(root, start, pack_words, call, capsys):
    (root / "chain.json").write_text(json.dumps(over_a_prior(start)))
    pack_words[3] = str(root / "chain.json")
    assert main([*pack_words, "--prior", str(root / "prior.json")]) == EXIT_DONE
    capsys.readouterr()
    by_clock = ["--minutes", "5", "--iterations", "1", "--batch", "2", "--until"]
    said = call("work", "prior-out", "--prior", *by_clock, "1")
    assert "clips: " in said and "Iterations 1 to 1" in said
    first = call("work", "out-1", *by_clock, "0.5")
    assert "trains over the prior" in first and "clips: " not in first and "Iterations 1 to 1" in first
    assert main(run_words(root, "work", "nowhere", "--minutes", "5")) == EXIT_BAD_INPUT
    assert "go on with --until" in capsys.readouterr().err
    second = call("work", "out-2", *by_clock, "1")
    assert "trains over the prior" not in second and "Iterations 2 to 2" in second

    for out in ("prior-out", "out-2"):
        assert main(["train", "offline", "unpack", str(root / out), "-o", str(root / f"run-{out}")]) == EXIT_DONE
    prior, model = (root / f"run-{name}/model.safetensors" for name in ("prior-out/upsampler", "out-2/ema/upsampler"))
    assert prior.read_bytes() == model.read_bytes()
    share = float(state(root / "run-out-2")["share"])
    assert 0 < share < 1 and read_rows(root / "run-out-2/calls.csv")[1]["recipe_done"] == f"{share:.1%}"
    assert load_model(str(root / "run-out-2/ema"), "cpu", "fp32").declaration.upsampler == "learned"


def test_smoke_measures_every_phase_with_every_batch(root, start, pack_words, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (root / "chain.json").write_text(json.dumps(over_a_prior(start) | {"declaration": {}}))
    pack_words[3] = str(root / "chain.json")
    assert main([*pack_words, "--prior", str(root / "prior.json")]) == EXIT_DONE
    words = ["train", "offline", "smoke", str(root / "package"), "--work", str(root / "work"), "--device", "cpu"]
    assert main([*words, "--prior", "--iterations", "1", "--batch", "1", "3"]) == EXIT_DONE
    said = capsys.readouterr().out
    assert "phase 1, batch 1: " in said and "phase 1, batch 3: " in said and " launches" in said and "convolution" in said
    assert main([*words, "--compare", "--iterations", "1"]) == EXIT_DONE
    said = capsys.readouterr().out
    assert all(f"phase 1, batch 1{way}: " in said for way in ("", ", plain layers"))
    assert not list(root.glob("work/*/run/last")), "nothing is trained"
    assert main([*words, "--batch", "0"]) == EXIT_BAD_INPUT
    assert "numbers above 0" in capsys.readouterr().err


def over_a_prior(start: Path) -> dict[str, Any]:
    """A recipe of a tiny network over a learned prior, with clips that are made once."""
    return {
        "name": "tiny", "start": str(start), "scratch": True, "bf16": [], "workers": 1, "declaration": {"upsampler": "learned"},
        "clips": {"clips": 4, "held_out": 2, "shard": 2, "frames": 5, "size": 48, "workers": 1},
        "phases": [{"iterations": 2, "batch": 1, "size": 32}],
        "validation": {"clips": 1, "size": 32, "steps": [1]},
    }  # fmt: skip


def test_a_call_may_end_while_clips_are_made_and_the_next_one_makes_the_rest(root, pack_words, call):
    main(pack_words)
    said = call("work", "out", "--minutes", "1e-9")
    assert "no results yet" in said and not (root / "out").exists() and said.count("clips: ") == 0
    said = call("work", "out", "--minutes", "5")
    assert "Iterations 1 to 2" in said


@pytest.fixture
def package(root, pack_words, monkeypatch):
    assert main(pack_words) == EXIT_DONE
    monkeypatch.setattr(sys, "path", list(sys.path))
    return open_package(root / "package", root / "opened")


def test_a_package_holds_wheels_photographs_and_networks(package):
    import only_in_the_package  # type: ignore[import-not-found]

    assert only_in_the_package.ANSWER == 42
    data = packed_photographs(package / "photographs")
    assert len(data.training.photographs) + len(data.held_out.photographs) == 30  # 360 × 0.7 pixels are too few
    assert min(len(data.training.photographs), len(data.held_out.photographs)) > 0
    assert data.training.photographs[0].shape == (3, 360, 480)
    _, judge = packed_distances(package)
    pictures = torch.rand(2, 1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    assert float(judge(*pictures)) == pytest.approx(float(STLPIPS.load("alex")(*pictures)), rel=1e-2)
    assert (package / "distances/alex.safetensors").stat().st_size < 6e6


def test_a_call_of_no_minutes_sends_results_of_earlier_ones(root, pack_words, call, capsys):
    main(pack_words)
    words = ["train", "offline", "run", str(root / "package"), "-o", str(root / "out"), "--work", str(root / "work")]
    assert main([*words, "--minutes", "0"]) == EXIT_BAD_INPUT
    assert "no results yet" in capsys.readouterr().err
    assert main([*words, "--prior"]) == EXIT_BAD_INPUT
    assert "no prior to train first" in capsys.readouterr().err
    call("work", "out")
    assert main([*words, "--minutes", "0", "--send", "9"]) == EXIT_BAD_INPUT
    assert "--send takes 1 to 1, not 9" in capsys.readouterr().err
    assert main([*words, "--minutes", "0"]) == EXIT_DONE


def test_how_busy_the_gpu_is_comes_from_its_driver(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '80\\n[N/A]\\n100\\n'\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with measured_busy() as busy:
        while busy() != 90:  # the mean of what has come until now
            time.sleep(0.01)
    monkeypatch.setenv("PATH", "")
    with measured_busy() as busy:
        assert busy() is None


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        ({}, ["--photos", "/nowhere"], "No photographs were found"),
        ({}, ["--wheels", "/nowhere"], "“/nowhere” holds no wheels"),
        ({"start": "nowhere"}, [], "“nowhere” does not exist"),
        ({"phases": []}, [], "at least one phase"),
        ({}, ["--resume", "/nowhere"], "no checkpoint to resume in “/nowhere”"),
        ({}, ["--transfer", "0"], "at least 1 MiB"),
        ({"pool": {"sources": {"videos": 1.0}}}, [], "Videos are not packed"),
        ({}, ["--prior", str(resource("recipes", "prior-gpu.json"))], "that has “clips”, for both"),
    ],
)
def test_bad_input_to_pack_is_one_sentence(root, pack_words, capsys, change, words, sentence):
    recipe = json.loads((root / "prior.json").read_text()) | change
    (root / "prior.json").write_text(json.dumps(recipe))
    assert main([*pack_words, *words]) == EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1
    assert not (root / "package").exists()


def test_an_index_that_cannot_be_reached_is_one_sentence(root, pack_words, capsys, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert main([word for word in pack_words if word not in ("--wheels", str(root / "wheels"))]) == EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert "The wheels cannot be downloaded" in message and "--wheels" in message and message.count("\n") == 1


def test_bad_input_to_run_and_unpack_is_one_sentence(root, package, capsys):
    (root / "package/1/package-000").unlink()
    offline = ["train", "offline"]
    for words, sentence in (
        (["run", str(root / "package"), "-o", "out", "--work", str(root / "new")], "bring transfer 1 of 1"),
        (["run", str(root / "wheels"), "-o", "out"], "holds no transfer"),
        (["run", str(root / "package"), "-o", "out", "--minutes", "-1"], "--minutes must be 0 or more"),
        (["run", str(root / "package"), "-o", "out", "--iterations", "0"], "--iterations must be 1 or more"),
        (["run", str(root / "package"), "-o", "out", "--batch", "0"], "--batch must be 1 or more"),
        (["run", str(root / "package"), "-o", "out", "--until", "40"], "--until must be above 0 and at most 1"),
        (["unpack", str(root / "package"), "-o", str(root / "run")], "Transfer 1 of 1 is missing"),
        (["unpack", str(root / "package"), "-o", str(root)], "exists already"),
    ):
        assert main([*offline, *words]) == EXIT_BAD_INPUT
        message = capsys.readouterr().err
        assert sentence in message and message.count("\n") == 1


@pytest.mark.parametrize("name", ["prior-gpu", "refiner-gpu", "adversary-gpu"])
def test_recipes_for_a_gpu_are_large_and_have_workers(name):
    recipe = read_recipe(resource("recipes", f"{name}.json"))
    workers = recipe.crop_workers if isinstance(recipe, PriorRecipe) else recipe.workers
    assert workers >= 12 and all(phase.size >= 128 for phase in recipe.phases)
    assert min(phase.batch * phase.size**2 for phase in recipe.phases) >= 44 * 128**2
