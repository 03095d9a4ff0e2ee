from pathlib import Path

import pytest

from app.models.declared import declared
from app.system.result_rule import ResultRule, SourceFacts
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings

DECLARED = declared("compact")
RULE = ResultRule()


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("source", "codec", "name"),
    [
        ("holiday.avi", "auto", "holiday_x4.mp4"),
        ("holiday.MKV", "h265", "holiday_x4.mkv"),
        ("holiday.avi", "ffv1", "holiday_x4.mkv"),
        ("holiday.mp4", "prores", "holiday_x4.mov"),
        ("holiday.2024.mp4", "png", "holiday.2024_x4"),
    ],
)
def test_results_are_named_after_their_source(tmp_path, source, codec, name):
    assert RULE.suggest(asked(tmp_path / source, codec=codec), DECLARED) == tmp_path / name


@pytest.mark.parametrize(("codec", "name"), [("auto", "old_x4.mkv"), ("prores", "old_x4.mkv"), ("av1", "old_x4.mkv")])
def test_the_container_is_the_one_that_keeps_the_tracks(tmp_path, codec, name):
    losses = {".mp4": 2, ".mkv": 0, ".mov": 2}
    assert RULE.suggest(asked(tmp_path / "old.avi", codec=codec), DECLARED, SourceFacts(losses=losses)) == tmp_path / name


def test_pictures_in_a_dotted_folder_keep_the_whole_name(tmp_path):
    assert RULE.suggest(asked(make(tmp_path / "reel.01"), size="1080p"), DECLARED) == tmp_path / "reel.01_1080p.mp4"


def test_existing_and_promised_names_are_left_alone(tmp_path):
    make(tmp_path, "a_x4.mp4")
    request = asked(tmp_path / "a.avi")
    assert RULE.suggest(request, DECLARED, taken=[tmp_path / "a_x4_2.mp4"]) == tmp_path / "a_x4_3.mp4"
    assert RULE.suggest(request, DECLARED, SourceFacts((1280, 720))) == tmp_path / "a_4k.mp4", "four times that is beyond 4K"


def asked(source, codec="auto", **settings):
    return JobRequest(source=source, settings=RestoreSettings(**settings), output=OutputSettings(codec=codec))


def test_a_folder_for_results_keeps_the_folders_of_clips_or_not(tmp_path):
    out, request = tmp_path / "out", asked(tmp_path / "in" / "1998" / "a.avi")
    kept = ResultRule(out, "{name} restored").suggest(request, DECLARED, SourceFacts(below=Path("1998")))
    assert kept == out / "1998" / "a restored.mp4"
    flat = ResultRule(out, keep_folders=False).suggest(request, DECLARED, SourceFacts(below=Path("1998")))
    assert flat == out / "a_x4.mp4"


def test_what_is_called_like_a_result_of_any_size_is_found_where_results_go(tmp_path):
    clip = make(tmp_path, "a.avi", "ab_x4.mp4") / "a.avi"
    assert RULE.results_of(clip) == []
    (tmp_path / "a_1080p_2.mp4").touch()
    assert RULE.results_of(clip) == [tmp_path / "a_1080p_2.mp4"]
    rule = ResultRule(tmp_path / "out", "{name}-new")
    assert rule.results_of(clip) == []
    make(tmp_path / "out" / "deep", "a-new.mkv")
    assert rule.results_of(clip, Path("deep")) == [tmp_path / "out" / "deep" / "a-new.mkv"] and not rule.results_of(clip)
