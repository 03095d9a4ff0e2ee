"""Builds the program for the system it runs on, and runs the result: ``python packaging/build.py [--deb] [--appimage]``.

Needs the extra ``bundle`` (``pip install .[bundle]``). A bundle whose self-test fails is not built: the exit status is 1.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path

from identity import NAME, ROOT, TITLE, gpl_parts

COMPONENTS = {
    "torch libraries": ("torch/lib/",),
    "torch, Python part": ("torch/", "torchgen/", "sympy/", "mpmath/", "networkx/", "torch-"),
    "diffusers and hub": ("diffusers", "accelerate", "huggingface_hub", "hf_xet", "safetensors", "regex"),
    "FFmpeg and PyAV": ("av/", "av.libs/"),
    "Qt": ("PySide6/", "shiboken6/", "libpyside6", "libshiboken6"),
    "NumPy": ("numpy/", "numpy.libs/"),
    "Pillow": ("PIL/", "pillow.libs/"),
    "pip, keyring": ("pip/", "keyring", "cryptography", "secretstorage", "jeepney"),
    "models and clips": ("resources/models/", "resources/clips/"),
    "other resources": ("resources/",),
    "Python": ("python3", "libpython", "base_library", "lib-dynload", "Python"),
    "programs": ("../",),
}
REST = "system libraries and the rest"
"""Component and the beginnings of its files' names below the bundle's inner folder; the first that fits counts."""


def build(dist: Path, work: Path) -> None:
    """Run PyInstaller."""
    options = ["--noconfirm", "--distpath", str(dist), "--workpath", str(work), "--log-level", "WARN"]
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", *options, str(ROOT / "packaging" / f"{NAME}.spec")], check=True, cwd=ROOT
    )


def program(bundle: Path) -> Path:
    """The window's program in a bundle."""
    if sys.platform == "darwin":
        return bundle / "Contents" / "MacOS" / NAME
    return bundle / (f"{NAME}.exe" if sys.platform == "win32" else NAME)


def component(place: str) -> str:
    """What a file belongs to."""
    return next((name for name, starts in COMPONENTS.items() if place.startswith(starts)), REST)


def sizes(bundle: Path) -> dict[str, int]:
    """Bytes per component; links count nothing."""
    inner = [bundle / "_internal", bundle / "Contents" / "Frameworks", bundle / "Contents" / "Resources"]
    found: dict[str, int] = defaultdict(int)
    for path in bundle.rglob("*"):
        if path.is_file() and not path.is_symlink():
            folder = next((folder for folder in inner if path.is_relative_to(folder)), None)
            found[component(path.relative_to(folder).as_posix() if folder else "../")] += path.stat().st_size
    return dict(found)


def print_sizes(found: dict[str, int]) -> None:
    """The table of components, the largest first."""
    for name, size in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(found.values()) / 1e6:8.1f} MB  in all")


def self_test(executable: Path, report: Path) -> bool:
    """Run the self-test of a program as someone without Python would; whether it passed as a frozen program."""
    report.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "LD_", "QT_"))}
    done = subprocess.run([str(executable), "--self-test", "--report", str(report)], env=kept, cwd=report.parent, check=False)
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"ok": False, "frozen": False, "checks": []}
    if sys.platform == "win32":  # a program with a window prints nothing there
        for check in found["checks"]:
            print(f"{'ok    ' if check['ok'] else 'FAILED'} {check['name']:<13} {check['seconds']:7.2f} s  {check['detail']}")
    return done.returncode == 0 and bool(found["ok"]) and bool(found["frozen"])


def objections(options: argparse.Namespace) -> list[str]:
    """What speaks against building from the packages that are installed here."""
    import contents

    found = []
    try:
        strays = contents.strays()
    except metadata.PackageNotFoundError as error:
        return [f"{error.name} is not installed; run pip install '.[bundle]'."]
    if strays:
        print(f"Not as in packaging/lock: {', '.join(strays)}")
        if options.locked:
            found.append("Install the locked packages: pip install --require-hashes -r packaging/lock/SYSTEM.txt.")
    if options.lgpl and contents.gpl_encoders():
        found.append(f"FFmpeg has {' and '.join(contents.gpl_encoders())}, which are under the GPL; run packaging/lgpl.py first.")
    return found


def add_packages(bundle: Path, options: argparse.Namespace, work: Path) -> bool:
    """Make the packages that were asked for; whether they work."""
    if options.deb:
        from deb import make_package

        print_package(make_package(bundle, bundle.parent, work / "deb"))
    if options.appimage:
        from appimage import make_appimage

        package = make_appimage(bundle, bundle.parent, work / "appimage")
        print_package(package)
        return self_test(package, bundle.parent / "self-test-appimage.json")
    return True


def print_package(package: Path) -> None:
    """A package with its size."""
    print(f"{package.stat().st_size / 1e6:8.1f} MB  {package}")


def parsed() -> argparse.Namespace:
    """The options given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="folder for the result (default: dist)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bundle", help="folder for what comes between")
    parser.add_argument("--deb", action="store_true", help="make a Debian package of it, too (on Debian or Ubuntu)")
    parser.add_argument("--appimage", action="store_true", help="make an AppImage of it, too (on Debian 12)")
    parser.add_argument("--lgpl", action="store_true", help="refuse parts under the GPL (first: packaging/lgpl.py)")
    parser.add_argument("--locked", action="store_true", help="refuse other packages than those of packaging/lock")
    parser.add_argument("--keep", action="store_true", help="take the bundle that is there instead of building it")
    return parser.parse_args()


def main() -> int:
    """Build, measure, try; returns the exit status."""
    options = parsed()
    dist, work = options.dist.resolve(), options.work.resolve()
    bundle = dist / (f"{TITLE}.app" if sys.platform == "darwin" else NAME)
    if not options.keep:
        if found := objections(options):
            print(*found, sep="\n", file=sys.stderr)
            return 1
        build(dist, work)
    print_sizes(sizes(bundle))
    if options.lgpl and gpl_parts(bundle):
        print(f"The bundle has parts under the GPL: {', '.join(gpl_parts(bundle))}.", file=sys.stderr)
        return 1
    if not self_test(program(bundle), dist / "self-test.json"):
        print("The bundle does not pass its own self-test.", file=sys.stderr)
        return 1
    if not add_packages(bundle, options, work):
        print("The AppImage does not pass its self-test.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
