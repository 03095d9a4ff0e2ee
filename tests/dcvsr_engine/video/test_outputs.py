"""No output replaces an input or another output, whatever their names are."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from clips import Clip, write_clip
from PIL import Image

from dcvsr_engine.cli import main
from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.storage import refuse_replacing
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.writer import check_target


def snapshot(folder: Path) -> dict[Path, bytes]:
    """All files and their content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder of numbered pictures."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (number * 40, 80, 120)).save(folder / f"{number:06d}.png")
    return folder


@pytest.mark.parametrize("source", ["shots", "shots/%06d.png", "shots/*.png", "shots/000000.png", "link/*.png", "shots/../shots"])
@pytest.mark.parametrize("target", ["shots", "link", "shots/", "shots/../shots"])
def test_pictures_are_never_written_over_pictures_that_are_read(
    source: str, target: str, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("shots")
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match="is the input itself, or holds it"):
        check_target(Path(target), probe(Path(source)), OutputSettings(codec="png", overwrite=True))
    assert main(["restore", source, "-o", target, "--codec", "png", "--overwrite"]) == 2
    assert snapshot(tmp_path) == before


CLASHES = {
    "report is the result": ("clip.mp4", "r.mp4", "r.mp4"),
    "report is the result by a link": ("clip.mp4", "link/r.mp4", "folder/r.mp4"),
    "report is the clip": ("clip.mp4", "r.mp4", "clip.mp4"),
    "report is the clip by a link": ("clip.mp4", "r.mp4", "alias.mp4"),
    "report is the clip by a hard link": ("clip.mp4", "r.mp4", "hard.mp4"),
    "report is a picture": ("shots/*.png", "r.mp4", "shots/000001.png"),
    "report is inside of the result": ("clip.mp4", "folder", "folder/report.json"),
    "result is the clip": ("clip.mp4", "alias.mp4", "report.json"),
    "result is the root": ("clip.mp4", os.sep, "report.json"),
    "result is the clip by ..": ("clip.mp4", "folder/../clip.mp4", "report.json"),
    "report is the settings": ("clip.mp4", "r.mp4", "settings.json"),
}


@pytest.mark.parametrize("case", CLASHES)
def test_nothing_is_replaced_by_the_result_or_the_report(
    case: str, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    source, target, report = CLASHES[case]
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", Clip(pts=range(3)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "alias.mp4").symlink_to("clip.mp4")
    os.link(tmp_path / "clip.mp4", tmp_path / "hard.mp4")
    (tmp_path / "settings.json").write_text("{}")
    before = snapshot(tmp_path)
    codec = ["--codec", "png"] if target == "folder" else []
    words = ["restore", source, "-o", target, "--report", report, "--overwrite", "--settings", "settings.json", *codec]
    assert main(words) == 2
    assert "choose" in capsys.readouterr().err
    assert snapshot(tmp_path) == before


def test_case_counts_only_where_the_file_system_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dcvsr_engine import storage

    outputs = [tmp_path / "Result.mp4", tmp_path / "result.MP4"]
    refuse_replacing([tmp_path / "clip.mp4"], outputs)
    monkeypatch.setattr(storage, "ignores_case", lambda folder: True)
    with pytest.raises(OutputError, match="are one output"):
        refuse_replacing([tmp_path / "clip.mp4"], outputs)


def test_an_output_beside_the_root_of_the_file_system_is_no_conflict(tmp_path: Path) -> None:
    refuse_replacing([tmp_path / "clip.mp4"], [Path(tmp_path.anchor) / "no folder" / "x.mp4", Path(tmp_path.anchor) / "x.mp4"])


def test_neighbours_are_no_conflict(shots: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(pts=range(2)))
    shutil.copy(clip, tmp_path / "copy.mp4")
    refuse_replacing([clip, *shots.iterdir()], [tmp_path / "copy.mp4", tmp_path / "report.json", shots / "new.mp4"])
