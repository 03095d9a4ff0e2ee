"""Files that are complete or not there, whatever they are called; JSON, hashes and disk errors."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.errors import DiskFullError, OutputError
from dcvsr_engine.storage import (
    NAME_BYTES,
    content_hash,
    describe_os_error,
    file_identity,
    parse_json,
    partial_path,
    partials_of,
    put_in_place,
    read_json,
    sha256,
    write_error,
    write_json,
    write_text,
)


def test_a_name_right_below_the_root_is_told_from_others() -> None:
    root = Path(Path.cwd().anchor)
    assert file_identity(root / "not there") != file_identity(root / "nor this")


@given(st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=80))
def test_temporary_names_fit(stem: str) -> None:
    if stem in (".", ".."):
        return
    name = (stem * 9).encode()[:251].decode(errors="ignore") + ".mp4"
    partial = partial_path(Path("/folder") / name)
    assert len(partial.name.encode()) <= NAME_BYTES
    assert partial.parent == Path("/folder") and partial.suffix == ".mp4" and partial.name.startswith(".")


def test_a_suffix_that_leaves_no_room_is_refused_by_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="name too long"):
        write_text(tmp_path / f"a.{'x' * 240}", "text")


def test_json_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    value = {"text": "Zürich – 東京 🎬", "numbers": [1, 2.5, None, True], "not utf-8": os.fsdecode(b"caf\xe9.mp4")}
    path = tmp_path / "new" / "folder" / "a.json"
    for _ in range(2):
        write_json(path, value)
        assert read_json(path) == value
    assert "東京" in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")
def test_names_that_are_not_utf_8_have_temporary_names_too(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.json")
    partial_path(path).touch()
    assert len(partials_of(path)) == 1
    write_json(path, [1])
    assert read_json(path) == [1]


def test_a_text_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "first")

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "second")
    assert path.read_text(encoding="utf-8") == "first" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe\xfd", "[" * 200_000])
def test_what_is_not_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_sha256_passes_on_what_was_read(tmp_path: Path) -> None:
    data = os.urandom(2**23 + 5)
    (tmp_path / "file").write_bytes(data)
    parts: list[int] = []
    assert sha256(tmp_path / "file", parts.append) == hashlib.sha256(data).hexdigest()
    assert parts == [2**22, 2**22, 5]


def test_a_folders_hash_is_that_of_its_files_and_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in ("b", "a", "more/c"):
        (folder / name).write_text(name)
    first = content_hash(folder)
    assert content_hash(folder.rename(tmp_path / "moved")) == first
    assert content_hash(tmp_path / "moved" / "a") == sha256(tmp_path / "moved" / "a")
    (tmp_path / "moved" / "a").rename(tmp_path / "moved" / "z")
    assert content_hash(tmp_path / "moved") != first
    with pytest.raises(FileNotFoundError):
        content_hash(folder)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_from_other_errors(number: int) -> None:
    error = write_error(Path("/folder/a.mp4"), OSError(number, os.strerror(number)))
    assert isinstance(error, DiskFullError) and "no room left on the disk of “/folder”" in str(error)
    other = write_error(Path("/folder/a.mp4"), PermissionError(errno.EACCES, "Permission denied", "/folder/a.mp4"))
    assert type(other) is OutputError and str(other) == "“/folder/a.mp4” cannot be written (permission denied)."
    assert describe_os_error(ValueError("Something odd; see the log.")) == "something odd"


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("links", [False, True])
def test_what_appears_at_the_last_moment_is_not_replaced(
    folder: bool, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links here")))
    partial, target = tmp_path / "partial", tmp_path / "result"
    for path in (partial, target):
        if folder:
            path.mkdir()
        (path / "file" if folder else path).write_text(path.name)
    with pytest.raises(OSError):
        put_in_place(partial, target, replace=False)
    assert (target / "file" if folder else target).read_text() == "result"
    put_in_place(partial, target)
    assert (target / "file" if folder else target).read_text() == "partial" and not partial.exists()
    put_in_place(target, tmp_path / "new", replace=False)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
