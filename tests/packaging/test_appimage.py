"""The program at the front of an AppImage: mounted or unpacked, it starts what is behind it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

appimage = pytest.importorskip("appimage", reason="needs the extra “bundle”", exc_type=ImportError)
pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("mksquashfs") and Path("/usr/include/squashfuse").exists()),
    reason="needs appimage.TOOLS",
)
START = """\
#!/bin/sh
echo "$ARGV0|$APPIMAGE|$*"
cat "$APPDIR/folder/link"
exit 7
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A small AppImage."""
    place = tmp_path_factory.mktemp("appimage")
    (place / "files" / "folder").mkdir(parents=True)
    (place / "files" / "AppRun").write_text(START)
    (place / "files" / "AppRun").chmod(0o755)
    (place / "files" / "folder" / "text").write_text("what is in it" * 100_000)
    (place / "files" / "folder" / "link").symlink_to("text")
    return appimage.made_of(place / "files", place, place / "program.AppImage")


def test_desktops_know_it(program):
    head = program.read_bytes()[:11]
    assert head[:4] == b"\x7fELF" and head[8:] == b"AI\x02"


@pytest.mark.parametrize("way", [{}, {"APPIMAGE_EXTRACT_AND_RUN": "1"}], ids=["FUSE where there is one", "unpacked"])
def test_it_starts_what_is_in_it_and_leaves_nothing(program, tmp_path, way):
    environment = os.environ | {"TMPDIR": str(tmp_path)} | way
    done = subprocess.run([program, "a b", "--c"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert done.stdout == f"{program}|{program}|a b --c\n" + "what is in it" * 100_000
    for _ in range(100):  # the mount goes a moment later
        if not list(tmp_path.iterdir()):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail(f"left behind: {list(tmp_path.iterdir())}")


def test_it_can_be_unpacked(program, tmp_path):
    subprocess.run([program, "--appimage-extract"], cwd=tmp_path, check=True)
    assert (tmp_path / "squashfs-root" / "folder" / "link").readlink() == Path("text")
    again = subprocess.run([program, "--appimage-extract"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 127 and again.stderr == "Cannot make squashfs-root: File exists\n"


def test_a_damaged_one_says_so(program, tmp_path):
    damaged = tmp_path / "damaged.AppImage"
    offset = int(subprocess.run([program, "--appimage-offset"], capture_output=True, check=True).stdout)
    damaged.write_bytes(program.read_bytes()[: offset + 200])
    damaged.chmod(0o755)
    done = subprocess.run([damaged, "--appimage-extract"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 127 and "Cannot read" in done.stderr
