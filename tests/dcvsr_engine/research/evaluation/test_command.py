"""The options of ``dcvsr evaluate`` and what becomes of them."""

import argparse
import json
import subprocess
import sys

import pytest

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.research.evaluation import evaluate, scores
from dcvsr_engine.research.evaluation.ablation import VARIANTS
from dcvsr_engine.research.evaluation.command import add_arguments, methods_of, preparation_of, run
from dcvsr_engine.research.pictures import save_pictures


def parse(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return parser.parse_args(words)


def test_options_become_a_preparation():
    made = preparation_of(parse("--frames", "5", "--start", "2", "--crop", "64x32"))
    assert (made.frames, made.start, made.crop) == (5, 2, (64, 32))
    everything = preparation_of(parse("--crop", "none", "--frames", "all"))
    assert everything.crop is None and everything.frames is None
    with pytest.raises(SettingsError, match="WIDTHxHEIGHT"):
        preparation_of(parse("--crop", "large"))
    with pytest.raises(SettingsError, match="whole number"):
        preparation_of(parse("--frames", "few"))


def test_methods_are_bicubic_peers_and_models(tmp_path):
    (tmp_path / "settings.json").write_text('{"seed": 5}')
    words = ("--peers", "basicvsr", "--models", "compact", "compact:steps=2", "--settings", str(tmp_path / "settings.json"))
    methods = methods_of(parse(*words))
    assert [method.name for method in methods] == ["bicubic", "basicvsr", "compact", "compact steps=2"]
    assert methods[-1].settings.seed == 5
    alone = methods_of(parse("--priors", "a", "own=b", "--models", "compact"))
    assert [method.name for method in alone] == ["bicubic", "prior", "own", "compact"]
    assert [method.name for method in methods_of(parse("--ablation"))] == ["bicubic", *VARIANTS]


def test_bad_options_are_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="one model"):
        methods_of(parse("--ablation", "--models", "a", "b"))
    with pytest.raises(InputError, match="cannot be read"):
        methods_of(parse("--settings", str(tmp_path / "missing.json")))


def test_a_run_prints_the_means_and_writes_the_report(moving, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scores, "ROW_GROUPS", scores.ROW_GROUPS[:1])
    monkeypatch.setattr(evaluate, "ROWS", ("PSNR",))
    save_pictures(moving, tmp_path / "clip")
    words = f"--data {tmp_path / 'clip'} --models --frames 2 --crop 96x64 --out {tmp_path / 'out'}".split()
    assert run(parse(*words)) == 0
    printed = capsys.readouterr()
    assert "| clip · h264 | PSNR ↑ |" in printed.out and str(tmp_path / "out" / "index.html") in printed.err
    assert run(parse(*words, "--degradation", "h264", "none", "--json")) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["clip · h264"]["clip"] == values["clip · h264"]["mean"]
    assert values["clip · h264"]["mean"]["bicubic"]["PSNR"] > 20 and values["clip · none"]["mean"]["bicubic"]["PSNR"] is None
    with pytest.raises(SettingsError, match="needs a model"):
        run(parse(*words, "--floor"))


def test_benchmarks_give_the_papers_first_table(moving, half_still, tmp_path, monkeypatch, capsys):
    chosen = tuple(group for group in scores.ROW_GROUPS if group.rows[0].name in ("PSNR", "SSIM", "flicker"))
    monkeypatch.setattr(scores, "ROW_GROUPS", chosen)
    monkeypatch.setattr(evaluate, "ROWS", ("PSNR", "SSIM", "flicker"))
    for place in ("REDS4/GT/000", "REDS4/GT/011", "UDM10/GT/archpeople", "VideoLQ/000"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        save_pictures(half_still[:, :32, 80:112] if "VideoLQ" in place else half_still[:2, :64, 64:128], tmp_path / place)
    data = [str(tmp_path / "REDS4"), str(tmp_path / "UDM10"), f"{tmp_path / 'VideoLQ'}:none"]
    words = [
        "--data",
        *data,
        "--degradation",
        "mild",
        "--frames",
        "all",
        "--crop",
        "none",
        "--models",
        "--out",
        str(tmp_path / "out"),
    ]
    assert run(parse(*words)) == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if " | " in line]
    found = {title.strip("| "): index for index, (title, *_) in enumerate(lines) if title.strip("| ")}
    assert list(found) == ["REDS4 · mild", "UDM10 · mild", "VideoLQ · none"]
    last = [line[1:] for line in lines[found["VideoLQ · none"] :]]
    assert [line[1].rstrip(" |") for line in last[:2]] == ["not available"] * 2 and float(last[2][1].rstrip(" |")) > 0
    assert "(VideoLQ · none): there is no undamaged clip" in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")


def test_options_alone_import_no_torch():
    module = "dcvsr_engine.research.evaluation"
    code = f"import argparse, sys\nfrom {module} import command\ncommand.add_arguments(argparse.ArgumentParser())"
    done = subprocess.run([sys.executable, "-c", f"{code}\nsys.exit('torch' in sys.modules)"], check=False)
    assert done.returncode == 0
