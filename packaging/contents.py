"""What goes into a bundle and what stays out. Used by ``dcvsr-studio.spec``."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePath

from identity import NAME, PROJECT, ROOT
from lock import locked
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PyInstaller.depend.bindepend import get_imports

Entry = tuple[str, str, str]
"""Place in the bundle, file it comes from, kind; as in PyInstaller's lists."""

ALSO = ("pip",)
"""Run by the program as a process of its own, to fetch a build of torch for the GPU at hand; nothing imports it."""

FROM_C = ("_cffi_backend",)
"""Modules that only libraries import, where no analysis sees it: miniaudio's."""

UNUSED = ["tkinter", "setuptools", "pkg_resources", "_distutils_hack", "triton", "readline", "_gdbm"]
"""Never needed, although something that we need could load it; the last two are under the GPL."""

NOT_BUNDLED = ("dcvsr_engine.research",)
"""Our own packages that bundles do without; the commands in them say that they need an installation by pip."""

PRUNED = ("diffusers", "torch.testing._internal")
"""Packages of which only the modules that our own import are taken."""

AS_FILES = (
    "torch", "torchgen", "diffusers", "accelerate", "sympy", "mpmath", "networkx", "numpy", "huggingface_hub", "av", "PIL", "pip",
)  # fmt: skip
"""Large packages whose byte code both programs share as files; all others are in an archive inside each program."""

READS_ITSELF = re.compile(rb"^install_config_module\(|\b_overload(_method)?\b", re.MULTILINE)

QT_PLUGINS = {
    "platforms": ("qxcb", "qwayland", "qoffscreen", "qwindows", "qcocoa"),
    "iconengines": ("qsvgicon",),
    "imageformats": ("qsvg", "qjpeg", "qgif", "qico", "qwebp"),
    "platforminputcontexts": ("composeplatforminputcontextplugin", "ibusplatforminputcontextplugin"),
    "platformthemes": ("qxdgdesktopportal",),
    "styles": ("qmodernwindowsstyle", "qwindowsvistastyle", "qmacstyle"),
    "wayland-shell-integration": ("xdg-shell",),
    "wayland-decoration-client": ("adwaita", "bradient"),
}
QT_TRANSLATIONS = ("qtbase_zh_CN.qm",)
TORCH_TOOLS = ("torch_shm_manager",)
"""The one program of torch/bin that torch itself starts; the rest are tests and compilers."""

TORCH_TESTS = ("libtorchbind_test", "libjitbackend_test", "libbackend_with_compiler", "libaoti_custom_ops")
C_LIBRARY = ("libmvec.so",)
"""Parts of the C library that PyInstaller would take along; they belong to the system's own."""

WITH_SYMBOLS = ("libtorch_cpu.so", "libtorch_python.so", "libpython")
"""Libraries (Linux) that carry a hundred megabytes of names for debuggers. Others are better not touched."""

SOURCES = (".pyi", ".pxd", ".pyx", ".h", ".hpp", ".c", ".cpp", ".a", ".lib")

REHEARSAL = """
import importlib, json, pkgutil, sys
missing, required = map(json.loads, sys.argv[1:])
sys.modules.update(dict.fromkeys(missing))
import app, dcvsr_engine
for package in (app, dcvsr_engine):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__") and module.name not in missing:
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # of an optional extra
                if error.name.partition(".")[0] in required:
                    raise
print(json.dumps(sorted(sys.modules)))
"""


# -- Python's modules -------------------------------------------------------------------------------------------


def requirements() -> set[str]:
    """Canonical names of the distributions that this program requires, directly or not. Optional extras stay out."""
    found: set[str] = set()
    queue = [*PROJECT["dependencies"], *ALSO]
    while queue:
        requirement = Requirement(queue.pop())
        name = canonicalize_name(requirement.name)
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            queue += metadata.requires(name) or []
    return found


def gpl_encoders() -> list[str]:
    """The encoders under the GPL that the installed FFmpeg has."""
    import av

    return [name for name in ("libx264", "libx265") if name in av.codecs_available]


def strays() -> list[str]:
    """Installed packages that a bundle would take and that are not those of its lock."""
    versions = locked()
    installed = {name: metadata.version(name) for name in sorted(requirements())}
    return [f"{name} {version}" for name, version in installed.items() if versions.get(name) != version]


def packages(inside: bool) -> list[str]:
    """Names of the installed packages that are ours or required (``inside``), or of all others the environment holds."""
    required = requirements() | {canonicalize_name(NAME)}  # we are there ourselves where we are not installed editably
    owners = metadata.packages_distributions()
    return [name for name, dists in owners.items() if inside is bool(required & {canonicalize_name(dist) for dist in dists})]


def excluded() -> list[str]:
    """Packages that stay out."""
    return [*UNUSED, *NOT_BUNDLED, *packages(inside=False)]


def is_bundled(module: str) -> bool:
    """Return whether a module of ours belongs into a bundle."""
    return not module.startswith(NOT_BUNDLED)


def rehearse(missing: list[str]) -> set[str]:
    """All modules that are loaded when every module of ours is, without the ``missing`` packages."""
    command = [sys.executable, "-c", REHEARSAL, json.dumps(missing), json.dumps(["app", "dcvsr_engine", *packages(inside=True)])]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules_of(package: str) -> Iterator[tuple[str, Path]]:
    """Names and files of a package's Python modules."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return
    folder = Path(spec.submodule_search_locations[0])
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join((package, *(part for part in parts if part != "__init__"))), path


def pruned_modules(loaded: set[str]) -> list[str]:
    """Modules of the `PRUNED` packages that were not ``loaded``."""
    return [name for package in PRUNED for name, _ in modules_of(package) if name not in loaded]


def collection_modes() -> dict[str, str]:
    """How packages are stored. Some modules of torch read their own source."""
    found = {name: "pyz+py" for name, path in modules_of("torch") if READS_ITSELF.search(path.read_bytes())}
    return found | dict.fromkeys(AS_FILES, "pyc") | {"torch.jit": "pyc"}  # a package's way would go for all that is in it


# -- libraries and data -----------------------------------------------------------------------------------------


def plugin_name(path: PurePath) -> str:
    """``libqxcb.so`` → ``qxcb``."""
    return path.name.partition(".")[0].removeprefix("lib")


def wanted(place: str) -> bool:
    """Whether a file is used by the program at all."""
    path = PurePath(place)
    parts = path.parts
    if "PySide6" in parts and "plugins" in parts:
        return plugin_name(path) in QT_PLUGINS.get(path.parent.name, ())
    if "PySide6" in parts and "translations" in parts:
        return path.name in QT_TRANSLATIONS
    if parts[0] == "torch" and parts[1] == "bin":
        return path.stem in TORCH_TOOLS
    if parts[0] == "torch" and (parts[1] in ("include", "share", "test") or path.stem in TORCH_TESTS):
        return False
    if len(parts) == 1 and path.name.startswith(C_LIBRARY):
        return False
    return (
        "qml" not in parts
        and parts[:2] not in (("resources", "pictures"), ("resources", "recipes"))
        and path.suffix not in SOURCES
    )


def is_loaded_by_name(entry: Entry) -> bool:
    """Whether a library is there for its own sake, not because another one needs it."""
    place = PurePath(entry[0])
    return entry[2] == "EXTENSION" or "plugins" in place.parts or place.parts[0] == "torch" or "python3" in place.name


def file_name(path: str) -> str:
    """What libraries call each other by; Windows does not care for capitals."""
    return PurePath(path).name.lower()


def needed(binaries: Iterable[Entry]) -> list[Entry]:
    """Without the Qt plugins that are not used, and without the libraries that only those need."""
    candidates = [entry for entry in binaries if wanted(entry[0])]
    by_name = {file_name(entry[0]): entry for entry in candidates if entry[2] != "SYMLINK"}
    queue = [entry for entry in by_name.values() if is_loaded_by_name(entry)]
    found = {file_name(entry[0]) for entry in queue}
    while queue:
        names = {file_name(name) for name, _ in get_imports(queue.pop()[1])} & by_name.keys() - found
        queue += [by_name[name] for name in names]
        found |= names
    return [entry for entry in candidates if file_name(entry[0]) in found or is_loaded_by_name(entry)]


def framework(place: str) -> str:
    """The framework (macOS) that a file is part of, or nothing."""
    return next((part for part in PurePath(place).parts if part.endswith(".framework")), "")


def wanted_data(datas: Iterable[Entry], binaries: Iterable[Entry], kept: Iterable[Entry]) -> list[Entry]:
    """Data files without those that are not used, or that belong or lead to ``binaries`` that were not ``kept``."""
    gone = {entry[0] for entry in binaries} - {entry[0] for entry in kept}
    hollow = {framework(place) for place in gone} - {framework(entry[0]) for entry in kept} - {""}

    def leads_nowhere(entry: Entry) -> bool:
        return entry[2] == "SYMLINK" and os.path.normpath(Path(entry[0]).parent / entry[1]) in gone

    return [entry for entry in datas if wanted(entry[0]) and framework(entry[0]) not in hollow and not leads_nowhere(entry)]


def stripped(binaries: Iterable[Entry], folder: Path) -> Iterator[Entry]:
    """The same with copies in ``folder`` of those `WITH_SYMBOLS`, stripped."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, source, kind in binaries:
        name = PurePath(place).name
        if sys.platform == "linux" and kind != "SYMLINK" and name.startswith(WITH_SYMBOLS) and shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", "-o", str(folder / name), source], check=True)
            yield place, str(folder / name), kind
        else:
            yield place, source, kind
