"""What a bundle says of the licences in it."""

import re
from pathlib import Path

import av
import pytest

licences = pytest.importorskip("licences", reason="needs the extra “bundle”", exc_type=ImportError)


def shipped():
    """The libraries in PyAV's wheel, as entries of a bundle."""
    folder = Path(av.__file__).parent.parent / "av.libs"
    return [(f"av.libs/{path.name}", str(path), "BINARY") for path in folder.glob("*")]


@pytest.mark.skipif(not shipped(), reason="PyAV's wheel for Linux has its libraries there")
def test_encoders_are_named_with_version_and_place_of_their_sources():
    parts = dict(part.split(",", 1) for part in licences.encoder_parts(shipped()))
    for codec in ("x264", "x265"):
        assert "GPL-2.0-or-later, sources https://" in parts[codec]
        assert any(char.isdigit() for char in parts[codec].partition(":")[0])


@pytest.mark.parametrize(
    ("name", "version"),
    [("libx264-d6533a8d.so.165", "165"), ("libx264-165.dll", "165"), ("libx264.165.dylib", "165"), ("libx264.so", "unknown")],
)
def test_versions_are_read_from_the_names_of_libraries(name, version):
    [part] = licences.encoder_parts([(f"av.libs/{name}", "", "BINARY")])
    assert part.startswith(f"x264, library version {version}: GPL")


@pytest.mark.skipif(not Path("/usr/bin/dpkg-query").exists(), reason="this is no Debian")
def test_debian_s_libraries_are_named_with_their_source_package():
    assert re.fullmatch(r"glibc \d[\w.+:~-]+", licences.source_of("libc6"))


def test_ffmpeg_s_sources_are_named_with_their_version():
    assert f"https://ffmpeg.org/releases/ffmpeg-{av.ffmpeg_version_info}.tar.xz" in "\n".join(licences.ffmpeg_parts())


def test_onemkl_is_named_where_it_is_inside():
    import torch

    named = [part for part in licences.torch_parts() if "Math Kernel Library" in part]
    assert bool(named) == torch.backends.mkl.is_available()
    assert all("Intel Simplified Software License, not free software" in part for part in named)
