"""Several clips with one command, in-process: folders, what is left out, failures, a watched folder."""

import argparse
import json
import shutil
import sys
from pathlib import Path

import jobs
import pytest

from dcvsr_engine import cli
from dcvsr_engine.batch import WATCH_SECONDS, Outcome, Record, watched_requests
from dcvsr_engine.errors import Cancelled, OutputError, UserError
from dcvsr_engine.planning.request import JobRequest


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


def states_of(report: Path) -> dict[str, str]:
    return {Path(row["source"]).name: row["state"] for row in json.loads(report.read_text(encoding="utf-8"))}


def test_what_is_no_whole_result_is_not_taken_for_one(run, folder):
    (folder / "inner" / "c.mp4").unlink()
    jobs.short_clip(folder / "a_x2.mp4", 1)  # half of it
    (folder / "inner" / "b_x2.mp4").write_bytes(b"precious")
    command = "restore", folder, "--recursive", "--skip-done"
    code, told, heard = run(*command)
    assert (code, told.strip()) == (2, "2 failed")
    assert "“a_x2.mp4” is there, but it has 1 frames, and 2 are wanted. Move it away, or allow --overwrite." in heard
    assert "“b_x2.mp4” is there, but it cannot be read as a video." in heard
    assert (folder / "inner" / "b_x2.mp4").read_bytes() == b"precious"
    code, _, heard = run("restore", folder / "a.mp4", "--skip-done")
    assert code == 2 and heard.count("\n") == 1 and "1 frames, and 2 are wanted" in heard
    assert run(*command, "--overwrite")[:2] == (0, "2 done\n")
    assert run(*command)[:2] == (0, "2 skipped\n")
    assert run("restore", folder / "a.mp4", "--skip-done")[:2] == (0, f"The result is there: {folder / 'a_x2.mp4'}\n")


def test_the_report_of_several_clips_replaces_nothing_unasked(run, folder):
    report = folder / "report.json"
    report.write_text("precious")
    command = "restore", folder, "--recursive", "--report", report
    code, _, heard = run(*command)
    assert code == 2 and "“" in heard and "exists already" in heard and report.read_text() == "precious"
    assert not (folder / "a_x2.mp4").exists(), "that is said before any work"
    assert run("restore", folder, folder / "inner" / "b.mp4", "--report", folder / "a.mp4")[0] == 2
    assert run("restore", folder, folder / "inner" / "b.mp4", "--report", folder / "a_x2.mp4")[0] == 2
    assert run(*command, "--overwrite")[0] == 2
    assert states_of(report) == {"a.mp4": "done", "b.mp4": "done", "c.mp4": "failed"}


def test_the_report_names_every_clip_however_the_run_ends(run, folder, tmp_path, monkeypatch):
    report, seen = tmp_path / "report.json", []

    def restore(request, *others):
        seen.append(states_of(report) if report.exists() else {})
        raise Cancelled if len(seen) == 2 else UserError("No.")

    (folder / "inner" / "c.mp4").write_bytes((folder / "a.mp4").read_bytes())
    monkeypatch.setattr(cli, "run_with_progress", restore)
    code, told, _ = run("restore", folder, "--recursive", "--report", report)
    assert (code, told.strip()) == (130, "1 failed, 1 cancelled, 1 waiting")
    assert seen[1] == {"a.mp4": "failed", "b.mp4": "waiting", "c.mp4": "waiting"}, "it is there while others are restored"
    assert states_of(report) == {"a.mp4": "failed", "b.mp4": "cancelled", "c.mp4": "waiting"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "report.json"]


def test_the_report_of_the_run_before_is_replaced_and_nothing_else(run, folder, tmp_path):
    report, small = tmp_path / "report.json", ("--frames", "0-0")
    command = "restore", folder, folder / "inner" / "b.mp4", "--report", report, *small
    for _ in range(2):
        assert run(*command, "--skip-done")[0] == 0
    assert states_of(report) == {"a.mp4": "skipped", "b.mp4": "skipped"}
    for foreign in ("[]", "[1]", '[{"source": "a.mp4"}]', '{"state": "done"}', "precious"):
        report.write_text(foreign)
        assert run(*command, "--skip-done")[0] == 2 and report.read_text() == foreign


def test_a_report_that_cannot_be_written_any_more_does_not_end_the_work(folder):
    def write(text):
        raise OutputError("Full.")

    record = Record(write)
    request = JobRequest(source=folder / "a.mp4")
    record.expect([request])
    record.settle(Outcome(request.source, None, "done"))
    assert record.problem == "Full." and record.summary() == "1 done"


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
    code, told, heard = run("restore", folder, "--recursive", *arguments)
    assert (code, told, heard.count("\n")) == (2, "", 1) and words in heard, heard
    assert below(folder) == before


def test_results_among_the_clips_are_told_by_name(run, folder):
    shutil.copy(folder / "a.mp4", folder / "a_x2.mp4")
    before = below(folder)
    code, _, heard = run("restore", folder / "a.mp4", folder / "a_x2.mp4", "--overwrite")
    assert code == 2 and "“a_x2.mp4” is one of the clips, and the result of “a.mp4” would have its name; leave it out" in heard
    assert below(folder) == before


def test_a_bad_name_is_refused_before_torch_is_loaded(run, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "dcvsr_engine.worker.process", None)  # importing it fails
    code, _, heard = run("restore", folder, "--recursive", "--name", "{name}/x")
    assert code == 2 and "{name}/x" in heard


def test_a_folder_without_clips(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, heard = run("restore", tmp_path / "empty", "--recursive")
    assert code == 2 and "There are no clips in" in heard


def watching(folder: Path, *arguments: str) -> argparse.Namespace:
    return cli.command_parser().parse_args(["restore", str(folder), "--watch", *arguments])


def test_a_watched_folder_takes_a_clip_once_it_does_not_grow(folder, capsys):
    shutil.rmtree(folder / "inner")
    data, rounds = (folder / "a.mp4").read_bytes(), []
    (folder / "a.mp4").write_bytes(data[:100])

    def wait(seconds):
        assert seconds == WATCH_SECONDS
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
