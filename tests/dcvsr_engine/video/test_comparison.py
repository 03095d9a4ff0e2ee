"""Comparisons of a clip and its result: what is where, in which part, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip, write_clip
from PIL import Image

from dcvsr_engine import cli
from dcvsr_engine.storage import WORK_LOCK
from dcvsr_engine.video.comparison import line_at
from dcvsr_engine.video.probe import probe

ROOT = Path(__file__).parents[3]


def plain(level):
    return lambda index, width, height: np.full((height, width, 3), level)


@pytest.fixture
def pair(tmp_path):
    """A dark clip with sound, and a bright result twice as large."""
    audio = {"audio": (("eng", ""),)}
    write_clip(tmp_path / "in.mp4", Clip(pts=range(50), width=64, height=48, picture=plain(0.2), **audio))
    write_clip(tmp_path / "out.mp4", Clip(pts=range(50), width=128, height=96, picture=plain(0.8), **audio))
    return tmp_path / "in.mp4", tmp_path / "out.mp4"


def run(*words):
    return cli.main(["compare", *map(str, words)])


def frames(path):
    with av.open(str(path)) as container:
        assert container.streams.audio
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def test_side_by_side_in_a_part(pair, tmp_path):
    assert run(*pair, "-o", tmp_path / "demo.mp4", "--from", "0.4", "--to", "0.8") == 0
    found = frames(tmp_path / "demo.mp4")
    assert len(found) == 11 and found[0].shape == (96, 256)
    left, right = found[5][60:, :120].mean(), found[5][60:, 136:].mean()
    assert left < 70 < 180 < right


@pytest.mark.parametrize(("words", "rate"), [((), 25), (("--frame-rate", "10"), 10)])
def test_pictures_are_shown_at_the_frame_rate_of_the_clip(tmp_path, words, rate):
    for name, width in (("in", 64), ("out", 128)):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("RGB", (width, width)).save(tmp_path / name / f"{number}.png")
    assert run(tmp_path / "in", tmp_path / "out", "-o", tmp_path / "demo.mp4", *words) == 0
    assert probe(tmp_path / "demo.mp4").frame_rate == rate


def test_a_wipe_moves(pair, tmp_path):
    assert run(*pair, "-o", tmp_path / "demo.mkv", "--mode", "wipe") == 0
    found = frames(tmp_path / "demo.mkv")
    assert len(found) == 50 and found[0].shape == (96, 128)
    dark = [float((frame < 100).mean()) for frame in found]
    assert dark[0] < 0.1 and dark[25] == pytest.approx(line_at(1.0), abs=0.05) and dark[49] > 0.9


def test_what_a_killed_process_has_left_goes_and_nothing_else(pair, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from dcvsr_engine.storage import work_folder\n"
        "with work_folder(Path(sys.argv[1]), 'compare') as folder: print(folder, flush=True); time.sleep(60)"
    )
    alive, killed = (
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "demo.mp4")], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(2)
    )
    kept, left = (Path(process.stdout.readline().strip()) for process in (alive, killed))
    killed.kill()
    killed.wait()
    (left / "segment.video").write_bytes(b"half")
    for folder in (kept, left):
        os.utime(folder / WORK_LOCK, (0, 0))
    foreign = tmp_path / ".compare-mine"
    foreign.mkdir()
    (foreign / "precious").touch()
    assert run(*pair, "-o", tmp_path / "demo.mp4", "--to", "0.2") == 0
    alive.kill()
    alive.wait()
    assert (
        sorted(path.name for path in tmp_path.glob(".*")) == sorted([foreign.name, kept.name]) and (foreign / "precious").exists()
    )


def test_a_picture_before_and_after(pair, tmp_path):
    assert run(*pair, "-o", tmp_path / "demo.png", "--from", "1") == 0
    picture = np.asarray(Image.open(tmp_path / "demo.png"))
    assert picture.shape == (96, 256, 3) and picture[60:, :120].max() < 80 and picture[60:, 136:].min() > 170
    assert picture[:20, :60].max() > 200, "a label"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--from", "9"], "has no frames from 9 s to its end"),
        (["--from", "1", "--to", "0.5"], "has no frames from 1 s to 0.5 s"),
        (["--from", "nan"], "take seconds"),
        (["--crf", "99"], "crf must be between"),
    ],
)
def test_parts_and_options_that_are_none(pair, tmp_path, words, sentence, capsys):
    assert run(*pair, "-o", tmp_path / "demo.mp4", *words) == 2
    heard = capsys.readouterr().err
    assert sentence in heard and heard.count("\n") == 1 and not (tmp_path / "demo.mp4").exists()


def test_nothing_is_replaced_and_strangers_are_refused(pair, tmp_path, capsys):
    original, result = pair
    assert run(original, result, "-o", result, "--overwrite") == 2
    (tmp_path / "there.png").write_bytes(b"precious")
    assert run(original, result, "-o", tmp_path / "there.png") == 2
    assert (tmp_path / "there.png").read_bytes() == b"precious"
    other = write_clip(tmp_path / "other.mp4", Clip(pts=range(7)))
    capsys.readouterr()
    assert run(original, other, "-o", tmp_path / "demo.mp4") == 2
    assert "has 50 frames and “other.mp4” 7" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
