"""Clips in folders, and the names of results by a pattern."""

from pathlib import Path

import pytest

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.jobs.clips import FoundClip, found_clips
from dcvsr_engine.jobs.naming import checked_pattern, names_for, result_names


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_folders_inside_folders_keep_their_place(tmp_path):
    make(tmp_path, "b.mp4", "b_1080p.mp4", "inner/a.avi", "inner/a_x4_2.mkv", "inner/deep/0001.png", ".hidden/c.mp4", "out/d.mp4")
    found = found_clips([tmp_path], recursive=True, results=[tmp_path / "out"])
    assert found == [
        FoundClip(tmp_path / "b.mp4"),
        FoundClip(tmp_path / "inner" / "a.avi", Path("inner")),
        FoundClip(tmp_path / "inner" / "deep", Path("inner")),
    ]
    assert [clip.path.name for clip in found_clips([tmp_path])] == ["b.mp4"]


def test_results_of_folders_of_pictures_are_left_out_beside_them(tmp_path):
    make(tmp_path, "a.mp4", "shots/1.png", "shots_x4.mp4", "notes/read.txt", "notes_x4.mp4", "none_x4.mp4")
    assert [clip.path.name for clip in found_clips([tmp_path])] == ["a.mp4", "none_x4.mp4", "notes_x4.mp4"]


def test_a_link_that_leads_back_up_is_no_folder_of_clips(tmp_path):
    make(tmp_path, "a.mp4")
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(found_clips([tmp_path, tmp_path / "a.mp4"], recursive=True)) == 1


def test_results_of_a_pattern_are_left_out_beside_their_clips(tmp_path):
    make(tmp_path, "a.mp4", "new a 4k.mp4", "new b 4k.mp4", "new a 854x480_2.mkv", "a_x2.mp4")
    found = found_clips([tmp_path], pattern="new {name} {size}")
    assert [clip.path.name for clip in found] == ["a.mp4", "new b 4k.mp4"]


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "iterdir", lambda path: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(InputError, match="cannot be read"):
        found_clips([tmp_path])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{name}/{size}", "no file name"),
        ("..{name}", "no file name"),
        ("{name}:1", "no file name"),
        (" {name}", "no file name"),
        ("{name}\n", "no file name"),
        ("{title}", "{title}; use {name}, {size}, {model}"),
        ("{}", "a field that there is not"),
        ("{name!r}", "a field that there is not"),
        ("{name:>999999999}", "a field that there is not"),
        ("{name.__class__}", "a field that there is not"),
        ("{name", "without its other half"),
        ("name}", "without its other half"),
        ("", "needs {name}"),
        ("{size}", "needs {name}"),
    ],
)
def test_patterns_that_make_no_names(pattern, words):
    with pytest.raises(SettingsError) as caught:
        checked_pattern(pattern)
    assert words in str(caught.value) and str(caught.value).endswith(".")


def test_a_pattern_names_the_result_and_is_recognised(tmp_path):
    pattern = checked_pattern("{name} ({size}, {model})")
    target = next(names_for(Path("/films/a.b.avi"), "1080p", "h264", {}, pattern, tmp_path, "my/net"))
    assert target == tmp_path / "a.b (1080p, my-net).mp4"
    assert result_names(pattern).fullmatch(target.stem)["stem"] == "a.b"


def paths_of(given) -> list[Path]:
    return [clip.path for clip in found_clips(given)]


def test_files_are_taken_as_they_are(tmp_path):
    folder = make(tmp_path, "a.xyz", "b.mp4")
    assert paths_of([folder / "b.mp4", folder / "a.xyz"]) == [folder / "b.mp4", folder / "a.xyz"]


def test_a_folder_stands_for_the_videos_in_it(tmp_path):
    folder = make(tmp_path, "tape_10.AVI", "tape_2.mp4", "cover.jpg", ".hidden.mp4", "notes.txt")
    assert [path.name for path in paths_of([folder])] == ["tape_2.mp4", "tape_10.AVI"]


def test_earlier_results_in_a_folder_are_left_alone(tmp_path):
    names = ("a.mp4", "a_x4.mp4", "a_x2_3.mkv", "b_x4.mp4", "c.avi", "c_x4.mp4")
    names += ("a_before_after.mp4", "c_before_after_2.mkv", "d_before_after.mp4")
    folder = make(tmp_path, *names)
    assert [path.name for path in paths_of([folder])] == ["a.mp4", "b_x4.mp4", "c.avi", "d_before_after.mp4"]


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
    found = {path.name for path in paths_of([tmp_path])}
    assert found == {"MOV001.MOD", "MOV002.TOD", "MOV003.TOD", "AVSEQ01.DAT", "b.f4v"}


def test_a_folder_of_pictures_is_one_clip(tmp_path):
    folder = make(tmp_path / "frames", "0001.png", "0002.png", "notes.txt")
    assert paths_of([folder]) == [folder]


def test_a_folder_without_any_is_none(tmp_path):
    assert paths_of([make(tmp_path, "notes.txt")]) == []
