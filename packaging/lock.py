"""Writes ``packaging/lock/SYSTEM.txt``: every package that a bundle is built from and of, with the hash of its file.

Run it on Linux, with the Python of the bundles and a CPU build of torch among pip's sources, after a change of the dependencies.
Nothing is installed. pip judges by the system that it runs on what a package needs, so that for the other systems the same
packages are asked for one by one, without those of Linux alone and with those of that system alone.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "packaging" / "lock"
LINUX_ONLY = {"argparse-manpage", "cryptography", "jeepney", "secretstorage"}
"""Needed for the Debian package, and for Linux's keyring."""
MAC_VERSIONS = ("15_0", "14_0", "13_0", "12_0", "11_0", "10_13")
OTHERS = {
    "windows": (["win_amd64"], ["pywin32-ctypes", "pefile", "colorama"]),
    "macos": ([f"macosx_{version}_{kind}" for version in MAC_VERSIONS for kind in ("arm64", "universal2")], ["macholib"]),
}
"""Platforms that wheels may be for, and packages that are needed on this system alone."""

NAMES = {"win32": "windows", "darwin": "macos"}
"""Locks of other systems than Linux, by Python's name of the system."""

Package = tuple[str, str, str]
"""Name, version and SHA-256."""


def requirements() -> list[str]:
    """What has to be installed to build a bundle: the program's dependencies, the tools, and what builds the program itself."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["bundle"], *content["build-system"]["requires"]]


def locked() -> dict[str, str]:
    """Versions of packages as locked for this system, by their canonical names."""
    lines = (LOCKS / f"{NAMES.get(sys.platform, 'linux')}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ")[0].split("==") for line in lines if not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def resolve(*words: str) -> Iterator[Package]:
    """Yield everything that pip would install."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        subprocess.run([*command, "--target", folder, *words], check=True)
        for item in json.loads(report.read_text(encoding="utf-8"))["install"]:
            yield item["metadata"]["name"], item["metadata"]["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]


def other(system: str, linux: list[Package]) -> Iterator[Package]:
    """Yield what ``linux`` consists of, for another system."""
    platforms, more = OTHERS[system]
    same = [f"{name}=={version.partition('+')[0]}" for name, version, _ in linux if name.lower() not in LINUX_ONLY]
    words = [word for platform in platforms for word in ("--platform", platform)]
    yield from resolve("--no-deps", "--only-binary", ":all:", *words, *same, *more)


def write(system: str, packages: list[Package]) -> None:
    """Write a lock."""
    lines = [
        f"{name}=={version} --hash=sha256:{digest}" for name, version, digest in sorted(packages, key=lambda row: row[0].lower())
    ]
    head = f"# Made by packaging/lock.py for Python {sys.version_info.major}.{sys.version_info.minor}."
    LOCKS.mkdir(exist_ok=True)
    (LOCKS / f"{system}.txt").write_text("\n".join([head, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    found = list(resolve("--prefer-binary", *requirements()))
    write("linux", found)
    for name in OTHERS:
        write(name, list(other(name, found)))
