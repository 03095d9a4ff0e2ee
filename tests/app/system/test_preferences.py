import os
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from app.system.preferences import MOST_RECENT, Preferences
from dcvsr_engine.settings import OutputSettings, RestoreSettings


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "studio.ini"


CHANGES = {
    "appearance": "dark",
    "language": "zh_CN",
    "restore": RestoreSettings(steps=7, guidance="none"),
    "output": OutputSettings(codec="ffv1"),
    "plan_first": False,
    "open_groups": ["guidance", "tiles"],
    "geometry": QByteArray(b"\x00\x01place"),
    "layout": QByteArray(b"panels"),
}


@pytest.mark.parametrize(("name", "value"), CHANGES.items())
def test_a_choice_is_remembered(file, name, value):
    preferences = Preferences(file)
    assert getattr(preferences, name) != value
    setattr(preferences, name, value)
    preferences.save()
    assert getattr(Preferences(file), name) == value


def test_recent_clips_are_few_and_the_latest_first(file):
    preferences = Preferences(file)
    for number in range(MOST_RECENT + 3):
        preferences.add_recent(Path(f"clip, {number}.mp4"))
    preferences.add_recent(Path("clip, 5.mp4"))
    assert preferences.recent[:2] == [Path("clip, 5.mp4"), Path(f"clip, {MOST_RECENT + 2}.mp4")]
    assert len(preferences.recent) == MOST_RECENT
    preferences.forget_recent()
    assert preferences.recent == []


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_paths_are_remembered_whatever_their_names(file):
    paths = [Path("/clips/100 % – ä.mp4"), Path("/clips/two\nlines.mp4"), Path(os.fsdecode(b"/clips/caf\xe9.mp4"))]
    preferences = Preferences(file)
    for path in paths:
        preferences.add_recent(path)
        preferences.add_model_folder(path)
    preferences.save()
    assert Preferences(file).recent == paths[::-1] and Preferences(file).model_folders == paths


def test_a_damaged_file_gives_the_defaults(file):
    file.write_text('[General]\nrestore={"steps": -4}\noutput=nonsense\nappearance=pink\ngeometry=7\nvolume=loud\n')
    preferences = Preferences(file)
    assert preferences.restore == RestoreSettings()
    assert preferences.output == OutputSettings()
    assert preferences.appearance == "system"
    assert preferences.geometry == QByteArray()
    assert preferences.volume == 100
