"""Streams that are closed or full, names that would steer a terminal, and Ctrl-C at any moment."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jobs
import pytest

from dcvsr_engine import cli, storage
from dcvsr_engine.storage import put_in_place
from dcvsr_engine.terminal import LOOK_ALIKE, printable

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="is about shells of Unix")

INTERRUPT = """
import os, signal, sys
awaited = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == awaited:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from dcvsr_engine.__main__ import start
sys.exit(start())
"""


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return jobs.short_clip(tmp_path / "clip.mp4", 4)


def shell(command, **options):
    """Run a shell command with ``dcvsr`` in it."""
    text = command.replace("dcvsr ", f"{sys.executable} -m dcvsr_engine ")
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\rb\x07\x9bc\x7f", r"a\rb\x07\x9bc\x7f"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("Übung\n\t×4 視頻 “é”", "Übung\n\t×4 視頻 “é”"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(text, shown):
    assert printable(text) == shown


def test_a_file_name_does_not_steer_the_terminal(tmp_path, capsys):
    assert cli.main(["info", str(tmp_path / "\x1b]0;title\x07.mp4")]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err and "\x07" not in err and r"\x1b]0;title\x07.mp4" in err


@posix
def test_a_name_that_is_not_utf_8_is_shown_as_escapes(clip):
    done = shell(r"dcvsr info $'gone\xff.mp4'")
    assert done.returncode == 2 and r"gone\udcff.mp4" in done.stderr


@posix
def test_a_terminal_of_plain_ascii_gets_every_sentence(clip, tmp_path):
    source = clip.rename(tmp_path / "größe “x”.mp4")
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(f"dcvsr plan '{source}' -o '{tmp_path}/ö.mp4'", env=plain)
    assert (done.returncode, done.stderr) == (0, "") and "32 x 24 -> 128 x 96" in done.stdout
    done = shell(f"dcvsr info '{tmp_path}/ö.mp4'", env=plain)
    assert done.returncode == 2 and r'/\udcc3\udcb6.mp4" does not exist' in done.stderr


def test_what_an_encoding_lacks_is_shown_by_what_looks_like_it():
    assert "“4×…” größe 視".encode("ascii", LOOK_ALIKE) == rb'"4x..." gr\xf6\xdfe \u8996'
    assert "“4×…”".encode("cp437", LOOK_ALIKE) == b'"4x..."'


def test_json_for_machines_does_not_depend_on_the_encoding(capsys):
    assert cli.main(["models", "catalogue", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii() and not json.dumps(json.loads(out), ensure_ascii=False).isascii()


@posix
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(clip, tiny_model, tmp_path, closed):
    done = shell(f"dcvsr restore {clip} --model {tiny_model} --device cpu -o {tmp_path}/out.mkv {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(jobs.pictures(tmp_path / "out.mkv")) == 4


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no full device")
def test_a_full_disk_behind_standard_output_is_one_sentence(clip, tiny_model, tmp_path):
    done = shell(
        f"dcvsr restore {clip} --model {tiny_model} --device cpu -o {tmp_path}/out.mkv --report {tmp_path}/r.json >/dev/full"
    )
    assert (done.returncode, done.stderr) == (2, "dcvsr: The output cannot be written (no space left on device).\n")
    assert json.loads((tmp_path / "r.json").read_text())["frames_out"] == 4
    assert len(jobs.pictures(tmp_path / "out.mkv")) == 4


def test_a_full_disk_under_the_report_is_one_sentence_and_the_result_is_told(clip, tiny_model, tmp_path, capsys, monkeypatch):
    def full(partial, target, **options):
        if target.name == "report.json":
            raise OSError(28, "No space left on device")
        put_in_place(partial, target, **options)

    monkeypatch.setattr(storage, "put_in_place", full)
    words = ["restore", str(clip), "--model", str(tiny_model), "--device", "cpu", "-o", str(tmp_path / "out.mkv")]
    assert cli.main([*words, "--report", str(tmp_path / "report.json")]) == 2
    shown = capsys.readouterr()
    assert "report.json” cannot be written (no space left on device); the result is complete." in shown.err
    assert shown.out.startswith("4 frames")
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "out.mkv", "home"}


@posix
@pytest.mark.parametrize(
    ("module", "code", "err"), [("dcvsr_engine.cli", -signal.SIGINT, ""), ("dcvsr_engine.jobs.job", 130, "dcvsr: cancelled\n")]
)
def test_ctrl_c_during_the_start_leaves_no_traceback(clip, tiny_model, tmp_path, module, code, err):
    words = ["restore", str(clip), "--model", str(tiny_model), "-o", str(tmp_path / "out.mkv")]
    command = [sys.executable, "-c", INTERRUPT, module, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=os.environ)
    assert (done.returncode, done.stderr) == (code, err)
