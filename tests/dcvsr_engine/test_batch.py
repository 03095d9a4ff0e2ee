"""Several clips with one command, in-process: folders, what is left out, failures, a watched folder."""

import argparse
import json
import shutil
from pathlib import Path

import jobs
import pytest

from dcvsr_engine import cli
from dcvsr_engine.batch import POLL_SECONDS, watched_requests


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Where the jobs folder is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    """Two clips, one of them in a folder inside, and a text that is called like a video."""
    (tmp_path / "films" / "inner").mkdir(parents=True)
    first = jobs.short_clip(tmp_path / "films" / "a.mp4", 2)
    shutil.copy(first, tmp_path / "films" / "inner" / "b.mp4")
    (tmp_path / "films" / "inner" / "c.mp4").write_text("no video")
    return tmp_path / "films"


@pytest.fixture
def run(tiny_model, capsys):
    """Run ``dcvsr``; gives exit code, output and error output."""

    def command(name, *arguments):
        options = "--model", tiny_model, "--device", "cpu", "--precision", "fp32", "--steps", "1"
        code = cli.main([str(word) for word in (name, *arguments, *options)])
        return code, *capsys.readouterr()

    return command


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_tree_of_folders_is_restored_and_a_failure_does_not_stop_it(run, folder, tmp_path):
    before, out = below(folder), folder / "out"
    command = "restore", folder, "--recursive", "--skip-done", "--output-folder", out, "--name", "{name} {size}"
    code, told, heard = run(*command)
    assert code == 2 and told.strip() == "2 done, 1 failed"
    assert "2 clip(s), 4 frames, about" in heard and "c.mp4 – “" in heard
    assert below(out) == ["a x2.mp4", "inner/b x2.mp4"]
    code, told, _ = run(*command, "--json")
    states = {Path(outcome["source"]).name: outcome["state"] for outcome in json.loads(told)}
    assert code == 2 and states == {"a.mp4": "skipped", "b.mp4": "skipped", "c.mp4": "failed"}
    assert [name for name in below(folder) if not name.startswith("out")] == before


def test_without_skipping_a_result_that_is_there_is_a_failure_and_stays(run, folder):
    (folder / "a_x2.mp4").write_bytes(b"precious")
    code, _, heard = run("restore", folder / "a.mp4", folder / "inner" / "b.mp4")
    assert code == 2 and "exists already" in heard and (folder / "inner" / "b_x2.mp4").exists()
    assert (folder / "a_x2.mp4").read_bytes() == b"precious"


def test_one_plan_for_all(run, folder):
    before = below(folder)
    code, told, _ = run("plan", folder, "--recursive", "--output-folder", folder / "not" / "yet")
    lines = told.splitlines()
    assert code == 2 and "a.mp4 → " in lines[0] and "64 × 48" in lines[0] and lines[-1].startswith("2 clip(s), 4 frames, about")
    assert below(folder) == before and not (folder / "not").exists()


def test_clips_that_differ_by_their_suffix_have_results_of_their_own(run, folder):
    shutil.copy(folder / "a.mp4", folder / "a.avi")
    code, told, _ = run("plan", folder, "--json")
    assert code == 0
    assert sorted(Path(row["target"]).name for row in json.loads(told)["clips"]) == ["a.avi_x2.mp4", "a.mp4_x2.mp4"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "{name}/{size}"], "no file name"),
        (["--name", "{title}"], "a field that there is not"),
        (["-o", "out.mp4"], "use --output-folder and --name"),
        (["--name", "{name}", "--overwrite"], "is the input itself"),
        (["--output-folder", "/proc/here"], "cannot be written"),
    ],
)
def test_bad_options_are_refused_before_any_work(run, folder, arguments, words):
    before = below(folder)
    code, _, heard = run("restore", folder, "--recursive", *arguments)
    assert (code, heard.count("\n")) == (2, 1) and words in heard, heard
    assert below(folder) == before


def test_a_folder_without_clips(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, heard = run("restore", tmp_path / "empty", "--recursive")
    assert code == 2 and "There are no clips in" in heard


@pytest.mark.parametrize("suffix", [".exr", ".DPX"])
def test_pictures_of_film_are_refused_in_words(run, tmp_path, suffix):
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / f"0001{suffix}").touch()
    code, _, heard = run("restore", tmp_path / "film")
    assert code == 2 and "EXR or DPX pictures, which are not restored yet; make 16-bit TIFF or PNG" in heard


def watching(folder: Path, *arguments: str) -> argparse.Namespace:
    return cli.command_parser().parse_args(["restore", str(folder), "--watch", *arguments])


def test_a_watched_folder_takes_a_clip_once_it_does_not_grow(folder, capsys):
    shutil.rmtree(folder / "inner")
    data, rounds = (folder / "a.mp4").read_bytes(), []
    (folder / "a.mp4").write_bytes(data[:100])

    def wait(seconds):
        assert seconds == POLL_SECONDS
        rounds.append(seconds)
        if len(rounds) == 1:
            (folder / "a.mp4").write_bytes(data)
        elif len(rounds) == 4:
            folder.rename(folder.with_name("gone"))
        elif len(rounds) == 5:
            folder.with_name("gone").rename(folder)
            (folder / "a_x4.mp4").touch()
        elif len(rounds) == 8:
            raise KeyboardInterrupt

    taken = []
    with pytest.raises(KeyboardInterrupt):
        for requests in watched_requests(watching(folder), wait):
            taken += [(len(rounds), request.source.name) for request in requests]
    assert taken == [(2, "a.mp4")], "not while it grew, and not twice"
    heard = capsys.readouterr().err
    assert heard.count("is gone; waiting") == 1 and heard.count("The watched folder is back") == 1


def test_only_folders_are_watched(folder, run):
    code, _, heard = run("restore", folder / "a.mp4", "--watch")
    assert code == 2 and "no folder that could be watched" in heard
