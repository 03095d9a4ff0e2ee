"""The command line in-process: what it takes, what it prints, its exit codes, and what it leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import jobs
import pytest
from clips import Clip, no_frames, sound_only, write_clip

from dcvsr_engine import cli
from dcvsr_engine.arguments import request_from, settings_from
from dcvsr_engine.events import PhaseStarted, TileFinished
from dcvsr_engine.jobs.clips import FoundClip
from dcvsr_engine.progress import JobProgress
from dcvsr_engine.settings import OutputSettings, RestoreSettings
from dcvsr_engine.video.probe import probe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """A folder with a clip of four frames."""
    (tmp_path / "videos").mkdir()
    jobs.short_clip(tmp_path / "videos" / "clip.mp4", 4)
    return tmp_path / "videos"


@pytest.fixture
def run(folder, capsys, tiny_model):
    """Run a command in the folder; gives exit code, output and error output."""

    def command(*arguments):
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def restore(run, folder, tiny_model):
    """``dcvsr restore`` with the tiny model."""
    small = "--model", tiny_model, "--device", "cpu", "--precision", "fp32", "-o", folder / "out.mkv"

    def command(source=folder / "clip.mp4", *arguments):
        return run("restore", source, *small, *arguments)

    return command


def inside(folder):
    """Everything in a folder and below."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# -- bad input --------------------------------------------------------------------------------------------------


def text(path):
    path.write_text("no video " * 50)


def truncated(path):
    data = write_clip(path, Clip()).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def refused(result, folder, before):
    """Check that a command was refused with one sentence and left nothing behind; gives the sentence."""
    code, out, err = result
    assert code == 2
    assert out == ""
    assert err.startswith("dcvsr: ")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert inside(folder) == before
    return err


SOURCES = {
    "missing file": (lambda path: None, "does not exist"),
    "text named .mp4": (text, "is damaged or incomplete, or no video"),
    "truncated": (truncated, "is damaged or incomplete, or no video"),
    "zero frames": (no_frames, "no video track"),
    "audio only": (sound_only, "no video track"),
    "empty file": (Path.touch, "is empty"),
}


@pytest.mark.parametrize("command", ["restore", "plan", "info"])
@pytest.mark.parametrize("case", SOURCES)
def test_sources_that_are_no_video(case, command, run, folder, home, tiny_model):
    make, words = SOURCES[case]
    source = folder / "source.mp4"
    make(source)
    before = inside(folder)
    options = () if command == "info" else ("--model", tiny_model, "-o", folder / "out.mp4")
    assert words in refused(run(command, source, *options), folder, before)
    assert not list(home.rglob("job.json"))


SETTINGS = {
    "unknown": ({"stepz": 3}, "There is no setting “stepz”"),
    "steps 0": ({"steps": 0}, "steps must be between 1 and 200, not 0"),
    "negative gamma": ({"gamma_peak": -1}, "gamma_peak must be between 0.0 and 8.0"),
    "wrong type": ({"sap": "yes"}, "sap must be true or false"),
    "no object": ([1], "must hold a JSON object"),
    "no JSON": ("{", "is not valid JSON"),
    "not text": (b"\xff\xfe\x00", "is not valid JSON"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_files_that_are_wrong(case, restore, folder):
    values, words = SETTINGS[case]
    data = values if isinstance(values, bytes) else (values if isinstance(values, str) else json.dumps(values)).encode()
    (folder / "settings.json").write_bytes(data)
    before = inside(folder)
    assert words in refused(restore(folder / "clip.mp4", "--settings", folder / "settings.json"), folder, before)


def test_the_root_is_no_place_for_a_result(restore, folder):
    before = inside(folder)
    refused(restore(folder / "clip.mp4", "-o", Path(folder.anchor)), folder, before)


OPTIONS = {
    "unknown option": (["--stepz", "3"], "Unrecognized arguments: --stepz 3; see “dcvsr --help”"),
    "steps 0": (["--steps", "0"], "steps must be between 1 and 200, not 0"),
    "negative gamma": (["--gamma-peak=-0.5"], "gamma_peak must be between 0.0 and 8.0"),
    "too strong": (["--strength", "1.5"], "strength must be between 0.0 and 1.0"),
    "no strength": (["--strength", "calm"], "Argument --strength: invalid float value: 'calm'"),
    "not a number": (["--steps", "many"], "Argument --steps: invalid int value: 'many'; see “dcvsr restore --help”"),
    "no number at all": (["--gamma-rho", "nan"], "gamma_rho must be between"),
    "unknown choice": (["--guidance", "strong"], "guidance must be one of none, cfg, sag, pag, dssag"),
    "missing settings file": (["--settings", "gone.json"], "“gone.json” cannot be read"),
    "frames": (["--frames", "1"], "--frames takes 2 whole numbers"),
    "frames backwards": (["--frames", "3-1"], "Frames 3 to 1 are no range"),
    "frames beyond the end": (["--frames", "9-12"], "has 4 frames"),
    "size 0": (["--size", "0"], "size must be auto, x1"),
    "size beyond all": (["--size", "20000x20000"], "sides of 16 to 16384 pixels, not “20000x20000”"),
    "reduced to nothing": (["--reduce", "0"], "reduce must be auto or a factor between 1 and 8"),
    "no frame rate": (["--frame-rate", "0"], "frame_rate must be auto, or frames per second such as 24"),
    "no names of pictures": (["--picture-name", "shot"], "picture_name must be text with %04d for the number"),
    "names in another folder": (["--picture-name", "../%04d"], "picture_name must be text with %04d for the number"),
    "two numbers": (["-o", "new/%02d_%04d.exr"], "picture_name must be text with %04d for the number"),
    "two codecs": (["-o", "new/shot.%04d.exr", "--codec", "png"], "names .exr pictures, but --codec png is asked for"),
    "pictures among other files": (["-o", "shot.%04d.exr"], "videos” is the input itself, or holds it"),
    "region": (["--region", "1,2,3"], "--region takes 4 whole numbers"),
    "region outside": (["--region", "30,0,8,8"], "does not lie inside the picture"),
    "unknown model": (["--model", "nothing"], "There is no model “nothing”"),
    "output folder missing": (["-o", "gone/out.mp4"], "does not exist"),
    "output is the input": (["-o", "clip.mp4", "--overwrite"], "is the input itself"),
    "output exists": (["-o", "other.mp4"], "exists already"),
    "output is the clip": (["-o", "clip.mp4"], "is the input itself"),
    "output in a file": (["-o", "clip.mp4/out.mp4"], "does not exist"),
    "report in no folder": (["--report", "gone/report.json"], "“gone/report.json” cannot be written"),
    "report exists": (["--report", "other.mp4"], "exists already"),
    "result without a name": (["-o", ""], "Argument -o/--output: the name is empty"),
    "report is the clip": (["--report", "clip.mp4"], "is the input itself"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_that_are_wrong(case, restore, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "other.mp4").write_bytes(b"an earlier result")
    arguments, words = OPTIONS[case]
    assert words in refused(restore(folder / "clip.mp4", *arguments), folder, inside(folder))


def test_a_clip_without_a_name_is_not_the_current_folder(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert "Argument CLIP: the name is empty" in refused(run("restore", ""), folder, inside(folder))


def test_a_device_that_is_not_there(restore, folder):
    import torch

    device = "mps" if torch.cuda.is_available() else "cuda"
    assert "is not available here" in refused(restore(folder / "clip.mp4", "--device", device), folder, inside(folder))


def test_a_folder_that_may_not_be_written(restore, folder):
    target = folder / "locked"
    target.mkdir(mode=0o555)
    if os.access(target, os.W_OK):  # root may write anywhere but where the kernel lets nobody
        target.rmdir()
        target = Path("/proc")
    before = inside(folder)
    assert " written" in refused(restore(folder / "clip.mp4", "-o", target / "out.mp4"), folder, before)


def test_corrupt_weights(run, folder, tiny_model):
    model = shutil.copytree(tiny_model, folder / "model")
    weights = model / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    result = run("restore", folder / "clip.mp4", "--model", model, "-o", folder / "out.mp4")
    assert "is damaged or no safetensors file" in refused(result, folder, inside(folder))


@pytest.mark.parametrize("arguments", [[], ["conquer"], ["restore"], ["jobs", "clean"], ["jobs", "clean", "x"], ["resume", "x"]])
def test_commands_that_are_incomplete(arguments, run, folder):
    refused(run(*arguments), folder, inside(folder))


# -- what it does -----------------------------------------------------------------------------------------------


def test_a_clip_is_restored(restore, folder, home):
    code, out, err = restore()
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("4 frames, 64 × 48, in ")
    assert [frame.shape for frame in jobs.pictures(folder / "out.mkv")] == [(48, 64, 3)] * 4
    assert inside(folder) == ["clip.mp4", "out.mkv"]
    assert not list(home.rglob("job.json"))


def test_json_and_report_tell_the_same(restore, folder):
    code, out, _ = restore(
        folder / "clip.mp4", "--json", "--report", folder / "report.json", "--frames", "1-2", "--region", "0,0,16,12"
    )
    assert code == 0
    told = json.loads(out)
    assert told == json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (told["frames_in"], told["frames_out"], told["output_size"]) == (2, 2, [32, 24])
    assert inside(folder) == ["clip.mp4", "out.mkv", "report.json"]


def test_devices_are_listed_with_name_and_memory(run):
    code, out, _ = run("info", "--devices", "--json")
    found = json.loads(out)
    assert code == 0 and found[-1]["device"] == "cpu" and all(device["title"] and device["memory"] > 2**20 for device in found)
    assert [line.split()[0] for line in run("info", "--devices")[1].splitlines()] == [device["device"] for device in found]
    assert run("info")[0] == 2


def test_options_go_before_the_settings_file(restore, folder):
    (folder / "settings.json").write_text(json.dumps({"seed": 7, "steps": 3, "crf": 30, "sap": False}))
    code, out, _ = restore(folder / "clip.mp4", "--settings", folder / "settings.json", "--json", "--steps", 1)
    assert code == 0
    told = json.loads(out)["settings"]
    assert (told["seed"], told["steps"], told["sap"]) == (7, 1, False)
    assert json.loads(out)["output"]["crf"] == 30


def other(kind, name):
    """A value of a field that is not its default."""
    spec = kind.specs()[name]
    if spec.choices:
        return next(value for value in spec.choices if value != spec.default)
    if spec.kind is bool:
        return not spec.default
    if spec.kind is str:
        return {"size": "1080p", "reduce": "2", "frame_rate": "23.976", "picture_name": "shot.%04d"}.get(name, "another")
    return spec.kind(spec.high if spec.default != spec.high else spec.low)


@pytest.mark.parametrize("kind", [RestoreSettings, OutputSettings])
def test_every_setting_is_an_option(kind):
    expected, arguments = {}, []
    for name in kind.specs():
        value = expected[name] = other(kind, name)
        option = "--" + name.replace("_", "-")
        arguments += [f"--no-{option[2:]}" if value is False else option] if isinstance(value, bool) else [option, str(value)]
    for command in ("restore", "plan"):
        chosen = settings_from(cli.command_parser().parse_args([command, "clip.mp4", *arguments]))
        assert chosen[kind is OutputSettings] == kind(**expected)
        assert chosen[kind is not OutputSettings] == (RestoreSettings if kind is OutputSettings else OutputSettings)()


@pytest.mark.parametrize("name, target", [("a.avi", "a_x2.mp4"), ("b.mkv", "b_x2.mkv"), ("c.MOV", "c_x2.mov"), ("d", "d_x2.mp4")])
def test_the_result_goes_beside_the_input(name, target, tmp_path, tiny_model):
    options = cli.command_parser().parse_args(["restore", str(tmp_path / name), "--model", str(tiny_model)])
    clip = FoundClip(tmp_path / name)
    assert request_from(options, clip).target == tmp_path / target
    (tmp_path / target).touch()
    assert request_from(options, clip).target == tmp_path / target, "the same command goes on with the same job"


def test_the_name_beside_the_input_fits_the_codec_and_folders_keep_theirs(tmp_path, tiny_model):
    def target(name: str, *more: str) -> str:
        options = cli.command_parser().parse_args(["restore", str(tmp_path / name), "--model", str(tiny_model), *more])
        return request_from(options, FoundClip(options.sources[0])).target.name

    (tmp_path / "reel.01").mkdir()
    assert target("a.avi", "--codec", "ffv1") == "a_x2.mkv"
    assert target("a.avi", "--codec", "png") == "a_x2"
    assert target("reel.01") == "reel.01_x2.mp4"


def test_a_pattern_names_pictures_in_a_folder(run, folder, tiny_model, capsys):
    target = folder / "new" / "shot.%04d.exr"
    small = "--model", tiny_model, "--device", "cpu", "--precision", "fp32"
    for arguments in ((), ("--overwrite",)):
        assert run("restore", folder / "clip.mp4", "-o", target, *small, "--frames", "1-2", *arguments)[0] == 0
        assert inside(folder / "new") == ["shot.0001.exr", "shot.0002.exr"]
    (folder / "new" / "frame.0001.exr").touch()
    assert "other files than an earlier result" in run("restore", folder / "clip.mp4", "-o", target, *small, "--overwrite")[2]
    with pytest.raises(SystemExit):
        cli.main(["restore", "--help"])
    assert "%06d" in capsys.readouterr().out


def test_a_sequence_is_shown_at_the_rate_that_is_asked_for(run, folder, tiny_model):
    small = "--model", tiny_model, "--device", "cpu", "--precision", "fp32"
    assert run("restore", folder / "clip.mp4", "-o", folder / "pictures", "--codec", "png", *small)[0] == 0
    for rate, exact in (("auto", 25), ("23.976", Fraction(24000, 1001)), ("30", 30), ("12500/999", Fraction(12500, 999))):
        target = folder / f"{rate.replace('/', '-')}.mov"
        assert run("restore", folder / "pictures", "-o", target, "--frame-rate", rate, *small)[0] == 0
        assert probe(target).frame_rate == exact


def test_a_plan_is_printed_and_nothing_is_done(run, folder, tiny_model):
    before = inside(folder)
    arguments = "plan", folder / "clip.mp4", "--model", tiny_model, "--device", "cpu"
    code, out, _ = run(*arguments)
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {
        "Frames",
        "Size",
        "Tiles",
        "Steps",
        "Evaluations",
        "At",
        "Memory",
        "Disk",
        "Time",
    }
    assert "32 × 24 → 64 × 48" in out
    assert "not measured" in out
    code, out, _ = run(*arguments, "--json", "--calibrate")
    assert json.loads(out)["seconds"] > 0
    assert inside(folder) == before


def test_models_and_videos_are_described(run, folder):
    code, out, _ = run("models", "list")
    assert code == 0
    assert out.startswith("compact ")
    assert "Licence: " in out
    assert json.loads(run("models", "--json")[1])["compact"]["first_stage"] == "haar"
    code, out, _ = run("info", folder / "clip.mp4")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["Size"] == "32 × 24" and lines["Frames"].startswith("4, ") and "h264" in lines["Codec"]
    assert not {"Audio", "Scan", "Missing"} & lines.keys() and "()" not in out
    assert json.loads(run("info", folder / "clip.mp4", "--json")[1])["height"] == 24


def test_a_request_names_its_model_from_any_folder(tiny_model, folder, monkeypatch):
    from dcvsr_engine.arguments import request_from
    from dcvsr_engine.cli import command_parser
    from dcvsr_engine.jobs.clips import FoundClip

    def model_of(name):
        options = command_parser().parse_args(["restore", str(folder / "clip.mp4"), "--model", name])
        return request_from(options, FoundClip(folder / "clip.mp4")).settings.model

    monkeypatch.chdir(tiny_model.parent)
    assert (model_of(tiny_model.name), model_of("compact")) == (str(tiny_model), "compact")


class Interrupted(JobProgress):
    """A progress bar under which somebody presses Ctrl-C after the first tile."""

    moment = TileFinished

    def __call__(self, event):
        super().__call__(event)
        if isinstance(event, self.moment):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_the_job_and_leaves_no_half_output(restore, run, folder, monkeypatch, tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        patched.setattr(cli, "JobProgress", Interrupted)
        code, out, err = restore()
    assert (code, out) == (130, "")
    assert err.splitlines() == ["Cancelled. Finished work is kept: run the same command again to resume.", "dcvsr: cancelled"]
    assert inside(folder) == ["clip.mp4"]
    assert signal.getsignal(signal.SIGINT) == handler
    listed = json.loads(run("jobs", "--json")[1])
    assert [Path(job["source"]).name for job in listed] == ["clip.mp4"]
    assert listed[0]["name"] in run("jobs")[1]
    assert run("resume", listed[0]["name"], "--report", folder / "report.json")[0] == 0
    assert json.loads((folder / "report.json").read_text())["resumed"] is True
    assert len(jobs.pictures(folder / "out.mkv")) == 4
    assert run("jobs")[1] == "There are no unfinished jobs.\n"


def test_ctrl_c_before_anything_is_finished_promises_nothing(restore, monkeypatch):
    monkeypatch.setattr(Interrupted, "moment", PhaseStarted)
    monkeypatch.setattr(cli, "JobProgress", Interrupted)
    code, _, err = restore()
    assert (code, err.splitlines()[0]) == (130, "Cancelled. Nothing was finished yet: the same command begins again.")


def test_a_job_whose_result_cannot_be_put_in_place_is_published_elsewhere(restore, run, folder, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(cli, "JobProgress", Interrupted)
        restore()
    (folder / "out.mkv").write_text("mine")
    code, _, err = restore()
    [job] = json.loads(run("jobs", "--json")[1])
    assert code == 2 and "exists already" in err and f"“dcvsr resume {job['name']} --output FILE”" in err
    assert run("resume", job["name"])[0] == 2
    assert run("resume", job["name"], "--output", folder / "clip.mp4")[0] == 2
    code, out, _ = run("resume", job["name"], "-o", folder / "other.mkv")
    assert code == 0 and str(folder / "other.mkv") in out
    assert len(jobs.pictures(folder / "other.mkv")) == 4 and (folder / "out.mkv").read_text() == "mine"
    assert run("jobs")[1] == "There are no unfinished jobs.\n"


def test_a_command_whose_answer_was_lost_is_answered_again(restore, run, folder):
    first = restore()
    changed = (folder / "out.mkv").stat().st_mtime_ns
    assert restore() == first and first[0] == 0
    assert (folder / "out.mkv").stat().st_mtime_ns == changed
    assert restore(folder / "clip.mp4", "--fresh")[0] == 2  # the target is there
    code, _, err = restore()
    assert code == 2 and "exists already" in err  # and the record is gone, as was asked for


def test_ctrl_c_drops_what_is_finished_if_so_asked(restore, run, folder, monkeypatch):
    monkeypatch.setattr(cli, "JobProgress", Interrupted)
    code, _, err = restore(folder / "clip.mp4", "--discard")
    assert code == 130 and err.splitlines()[0] == "Cancelled. Finished work is deleted."
    assert inside(folder) == ["clip.mp4"] and run("jobs")[1] == "There are no unfinished jobs.\n"
    restore()
    [name] = (job["name"] for job in json.loads(run("jobs", "--json")[1]))
    assert run("resume", name, "--discard")[0] == 130
    assert run("jobs")[1] == "There are no unfinished jobs.\n"


def test_unfinished_jobs_are_removed_by_name_or_begun_anew(restore, run, folder, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(cli, "JobProgress", Interrupted)
        restore()
        restore(folder / "clip.mp4", "--seed", 1)
    first, second = (job["name"] for job in json.loads(run("jobs", "--json")[1]))
    assert run("jobs", "clean", first)[0] == 0
    assert [job["name"] for job in json.loads(run("jobs", "--json")[1])] == [second]
    assert restore(folder / "clip.mp4", "--fresh")[0] == 0
    run("jobs", "clean", "--all")
    assert run("jobs")[1] == "There are no unfinished jobs.\n"


def test_what_goes_wrong_inside_is_one_sentence_too(run, folder, monkeypatch):
    def broken(options):
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(cli, "run_model_action", broken)
    code, _, err = run("models")
    assert (code, err) == (1, "dcvsr: failed: ZeroDivisionError: by chance\n")
    assert "Traceback" in run("--debug", "models")[2]


def test_version_and_help(capsys):
    for arguments in (["--version"], ["restore", "--help"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("dcvsr ")
    assert all("--" + name.replace("_", "-") in out for name in RestoreSettings.specs())


def test_research_is_imported_only_when_it_is_asked_for():
    code = """
import sys
from dcvsr_engine.cli import main
main(["jobs"])
assert not any(name.startswith("dcvsr_engine.research") for name in sys.modules)
main(["bench", "nothing"])
assert "dcvsr_engine.research.bench.command" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "There are no unfinished jobs.\n")
    assert "Argument what: invalid choice: 'nothing'" in done.stderr


@pytest.mark.parametrize("words", [["train", "recipe.json"], ["evaluate", "--help"], ["bench"], ["models", "probe", "compact"]])
def test_a_bundle_without_research_says_what_to_install(words, run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("dcvsr_engine.research")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dcvsr_engine.research", None)
    code, _, err = run(*words)
    assert code == 2
    assert "not part of this bundle: install the program from its source" in err and err.count("\n") == 1
