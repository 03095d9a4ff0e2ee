from pathlib import Path

import pytest

from app.models.declared import declared
from app.queue.clips import expand_clips, suggest_target
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings

DECLARED = declared("compact")


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_files_are_taken_as_they_are(tmp_path):
    folder = make(tmp_path, "a.xyz", "b.mp4")
    assert expand_clips([folder / "b.mp4", folder / "a.xyz"]) == [folder / "b.mp4", folder / "a.xyz"]


def test_a_folder_stands_for_the_videos_in_it(tmp_path):
    folder = make(tmp_path, "tape_10.AVI", "tape_2.mp4", "cover.jpg", ".hidden.mp4", "notes.txt")
    assert [path.name for path in expand_clips([folder])] == ["tape_2.mp4", "tape_10.AVI"]


def test_earlier_results_in_a_folder_are_left_alone(tmp_path):
    folder = make(tmp_path, "a.mp4", "a_x4.mp4", "a_x2_3.mkv", "b_x4.mp4", "c.avi", "c_x4.mp4")
    assert [path.name for path in expand_clips([folder])] == ["a.mp4", "b_x4.mp4", "c.avi"]


def test_suffixes_of_camcorders_count_where_the_content_is_a_video(tmp_path):
    program, transport = b"\0\0\1\xba" + bytes(300), (b"G" + bytes(187)) * 3
    contents = {
        "MOV001.MOD": program,
        "MOV002.TOD": transport,
        "MOV003.TOD": (bytes(4) + b"G" + bytes(187)) * 3,
        "AVSEQ01.DAT": b"RIFF" + bytes(4) + b"CDXA" + bytes(300),
        "b.f4v": b"\0\0\0 ftypf4v ",
        "song.mod": b"a song" + bytes(400),
        "settings.dat": b"{}",
        "none.dat": b"",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    found = {path.name for path in expand_clips([tmp_path])}
    assert found == {"MOV001.MOD", "MOV002.TOD", "MOV003.TOD", "AVSEQ01.DAT", "b.f4v"}


def test_a_folder_of_pictures_is_one_clip(tmp_path):
    folder = make(tmp_path / "frames", "0001.png", "0002.png", "notes.txt")
    assert expand_clips([folder]) == [folder]


def test_a_folder_without_any_is_none(tmp_path):
    assert expand_clips([make(tmp_path, "notes.txt")]) == []


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
    assert suggest_target(asked(tmp_path / source, codec=codec), DECLARED) == tmp_path / name


def test_pictures_in_a_dotted_folder_keep_the_whole_name(tmp_path):
    assert suggest_target(asked(make(tmp_path / "reel.01"), size="1080p"), DECLARED) == tmp_path / "reel.01_1080p.mp4"


def test_existing_and_promised_names_are_left_alone(tmp_path):
    make(tmp_path, "a_x4.mp4")
    request = asked(tmp_path / "a.avi")
    assert suggest_target(request, DECLARED, taken=[tmp_path / "a_x4_2.mp4"]) == tmp_path / "a_x4_3.mp4"
    assert suggest_target(request, DECLARED, (1280, 720)) == tmp_path / "a_4k.mp4", "four times that is beyond 4K"


def asked(source, codec="auto", **settings):
    return JobRequest(source=source, settings=RestoreSettings(**settings), output=OutputSettings(codec=codec))
