"""Installs a CUDA build of PyTorch into a side folder: pip fetches it from the indexes it is configured with. Torch-free."""

import re
import secrets
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import AcceleratorError
from dcvsr_engine.gpu.detect import Gpu, detect_gpu
from dcvsr_engine.gpu.own_process import run_module
from dcvsr_engine.gpu.switch import (
    Build,
    gpu_folder,
    gpu_folder_locked,
    switch_on,
    switched_on,
    this_python,
    wanted_version,
)
from dcvsr_engine.storage import describe_os_error, parse_json, read_json

ALLOWANCE = 15 * 10**9
"""Bytes that must be free before anything is fetched: wheels and their content, generously. Checked exactly before unpacking."""

OF_CUDA = re.compile(r"(torch|triton|pytorch-triton|(nvidia|cuda)-.*)$")
"""Names of the packages that torch for CUDA brings along, in canonical form; all others must be installed here already."""
PER_PACKAGE = 1000
PIP = ["--disable-pip-version-check", "--no-input", "--no-color", "--progress-bar"]
RAW_PROGRESS = (24, 1)
"""From this version on pip can say how many bytes have come."""

InstallProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and of how much (both 0 where unknown); may raise to stop."""


@dataclass(frozen=True)
class Wheel:
    """A package that pip chose: name, version and SHA-256 of its file."""

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """A line of a requirements file that only this very file fulfils."""
        return f"{self.name}=={self.version}" + (f" --hash=sha256:{self.sha256}" if self.sha256 else "")


def install_cuda_build(progress: InstallProgress = lambda what, done, total: None, index: str = "") -> Build:
    """Fetch, unpack, verify and switch on a CUDA build; wheels that an earlier try fetched are not fetched again.

    Args:
        progress: see `InstallProgress`; when it raises, fetched wheels are kept.
        index: address of a package index to use besides those that pip is configured with.

    Returns:
        The build, which is used from the next start of the engine on.

    Raises:
        AcceleratorError: what goes wrong, in one sentence; the build that was switched on before stays so.
    """
    gpu = detect_gpu()
    if gpu is None:
        raise AcceleratorError("This computer has no NVIDIA GPU with a driver; if there is a GPU, install its driver first.")
    try:
        gpu_folder().mkdir(parents=True, exist_ok=True)
        with gpu_folder_locked():
            return _install(gpu, progress, index)
    except OSError as error:
        raise AcceleratorError(f"{gpu_folder()} cannot be written ({describe_os_error(error)}).") from None


def _install(gpu: Gpu, progress: InstallProgress, index: str) -> Build:
    # first: builds that killed tries left behind take gigabytes, which count as free once they are gone
    _sweep(switched_on())
    fetched = gpu_folder() / "wheels"
    check_free_disk(ALLOWANCE - sum(path.stat().st_size for path in fetched.glob("*.whl")))
    wheels = resolve_wheels(progress, index)
    if not any(is_cuda(wheel) for wheel in wheels):
        raise AcceleratorError(
            f"The package indexes that pip knows have no CUDA build of torch {wanted_version()} for this system; "
            "name one that has it."
        )
    for number, wheel in enumerate(wheels):
        fetch_wheel(wheel, fetched, number, len(wheels), progress, index)
    check_free_disk(unpacked_size(fetched))
    folder = gpu_folder() / f"torch-{wanted_version()}-{secrets.token_hex(4)}"
    try:
        unpack_wheels(wheels, fetched, folder, progress)
        build = verify_build(folder, gpu, progress)
        switch_on(build)
    # cancelling and Ctrl-C, too: a half unpacked build has gigabytes
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sweep(build)
    shutil.rmtree(fetched, ignore_errors=True)
    return build


def _sweep(kept: Build | None) -> None:
    """Delete builds that are not switched on, and what pip remembered of the network."""
    for folder in gpu_folder().glob("torch-*"):
        if kept is None or folder.name != kept.folder:
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(gpu_folder() / "cache", ignore_errors=True)


def check_free_disk(size: int) -> None:
    """Raise `AcceleratorError` when ``size`` bytes do not fit."""
    free = shutil.disk_usage(gpu_folder()).free
    if size > free:
        raise AcceleratorError(
            f"There is not enough space in {gpu_folder()}: {size / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free."
        )


# -- pip --------------------------------------------------------------------------------------------------------


def resolve_wheels(progress: InstallProgress, index: str) -> list[Wheel]:
    """Ask pip what it would install, torch first; raises `AcceleratorError`."""
    report, constraints = gpu_folder() / "report.json", gpu_folder() / "constraints.txt"
    constraints.write_text("\n".join(installed_versions()), encoding="utf-8")
    wanted = [*index_options(index), "--constraint", str(constraints), "--report", str(report), f"torch=={wanted_version()}"]
    run_pip(
        # only wheels, as building a source package runs its code; all of them, as the side folder stands before the rest
        ["install", "--dry-run", "--ignore-installed", "--only-binary", ":all:", *wanted],
        lambda line: progress("Looking for a CUDA build", 0, 0),
    )
    items: list[dict[str, Any]] = read_json(report)["install"]
    wheels = [
        Wheel(
            item["metadata"]["name"],
            item["metadata"]["version"],
            item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", ""),
        )
        for item in items
    ]
    report.unlink()
    constraints.unlink()
    check_wheels(wheels)
    return sorted(wheels, key=lambda wheel: wheel.name != "torch")


def check_wheels(wheels: list[Wheel]) -> None:
    """Refuse packages that could not be verified, or that torch for CUDA does not consist of; raises `AcceleratorError`.

    With a further index, pip takes any package from any index: one of a made-up name must not slip in with torch.
    """
    known = {canonical(str(part.metadata["Name"])) for part in metadata.distributions()}
    for wheel in wheels:
        if not wheel.sha256:
            raise AcceleratorError(f"The package index gives no hash of {wheel.name}, so that it could not be verified.")
        if canonical(wheel.name) not in known and not OF_CUDA.match(canonical(wheel.name)):
            raise AcceleratorError(
                f"The package index wants to install “{wheel.name}”, which does not belong to torch for CUDA; it is refused."
            )


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_versions() -> list[str]:
    """Constraints, so that the side folder shadows no package of this program with another version; but for torch's own."""
    found = {str(part.metadata["Name"]): part.version for part in metadata.distributions()}
    return [f"{name}=={version}" for name, version in found.items() if not re.match(r"(torch|nvidia|cuda|triton)", name, re.I)]


def is_cuda(wheel: Wheel) -> bool:
    """Whether a package is there only for CUDA: torch built for it, or one of its libraries."""
    build, name = wheel.version.partition("+")[2], wheel.name.lower().replace("_", "-")
    return (name == "torch" and build.startswith("cu")) or name.startswith(("nvidia-", "cuda-"))


def fetch_wheel(wheel: Wheel, folder: Path, number: int, count: int, progress: InstallProgress, index: str) -> None:
    """Download one package of ``count``; pip skips it when it is in ``folder`` with the right hash. Raises `AcceleratorError`."""
    what = f"Downloading {wheel.name} {wheel.version}, {number + 1} of {count}"

    done = number * PER_PACKAGE

    def tell(line: str) -> None:
        nonlocal done
        part = re.fullmatch(r"Progress (\d+) of (\d+)", line)
        if part:
            done = number * PER_PACKAGE + PER_PACKAGE * int(part[1]) // max(1, int(part[2]))
        progress(what, done, count * PER_PACKAGE)

    one = gpu_folder() / "one.txt"
    one.write_text(wheel.requirement, encoding="utf-8")
    run_pip(
        ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *index_options(index), "-r", str(one)], tell
    )
    one.unlink()


def index_options(index: str) -> list[str]:
    """Options of pip: a further index, and a cache of our own, which is removed at the end."""
    return ["--cache-dir", str(gpu_folder() / "cache"), *(["--extra-index-url", index] if index else [])]


def unpacked_size(folder: Path) -> int:
    """Bytes that the wheels in a folder take when unpacked."""
    return sum(part.file_size for path in folder.glob("*.whl") for part in zipfile.ZipFile(path).infolist())


def unpack_wheels(wheels: list[Wheel], fetched: Path, folder: Path, progress: InstallProgress) -> None:
    """Install downloaded packages into a folder of their own."""
    chosen = gpu_folder() / "all.txt"
    chosen.write_text("\n".join(wheel.requirement for wheel in wheels), encoding="utf-8")
    options = ["--no-index", "--find-links", str(fetched), "--no-deps", "--no-compile", "--target", str(folder)]
    run_pip(["install", *options, "-r", str(chosen)], lambda line: progress("Unpacking", 0, 0))
    chosen.unlink()


def run_pip(arguments: list[str], tell: Callable[[str], None]) -> None:
    """Run pip; raises `AcceleratorError`."""
    version = re.match(r"(\d+)\.(\d+)", metadata.version("pip")) if has_pip() else None
    if version is None:
        raise AcceleratorError("pip is missing here; install it with “python -m ensurepip”, or install the program with pip.")
    bar = "raw" if (int(version[1]), int(version[2])) >= RAW_PROGRESS else "off"
    code, lines = run_module("pip", [*arguments, *PIP, bar], tell)
    if code:
        raise AcceleratorError(pip_failure(lines))


def has_pip() -> bool:
    """Whether pip is part of this Python, or of the frozen program."""
    try:
        metadata.version("pip")
    except metadata.PackageNotFoundError:
        return False
    return True


def pip_failure(lines: list[str]) -> str:
    """Explain in one sentence why pip failed."""
    text = "\n".join(lines)
    if "No space left" in text or "not enough space" in text:
        return f"The disk of {gpu_folder()} is full; free some space and start again: finished downloads are kept."
    if "No matching distribution" in text:
        return f"The package indexes that pip knows have no torch {wanted_version()} for this system; name one that has it."
    if re.search(r"Connection|Incomplete|timed? ?out|ProtocolError|Max retries|DO NOT MATCH THE HASHES|is invalid", text, re.I):
        return "The connection broke off or something arrived damaged; complete files are kept, start again to continue."
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason was given"]
    return f"pip failed ({errors[-1].removeprefix('ERROR: ').rstrip('.')})."


# -- verification -----------------------------------------------------------------------------------------------


def verify_build(folder: Path, gpu: Gpu, progress: InstallProgress) -> Build:
    """Let a fresh process import torch from a folder and compute on the GPU; raises `AcceleratorError`."""
    code, lines = run_module("dcvsr_engine.gpu.check", [str(folder)], lambda line: progress("Verifying", 0, 0))
    try:
        found: dict[str, Any] = parse_json(lines[-1])
    except (IndexError, ValueError):
        found = {"error": f"it ended with exit code {code}"}
    if "error" in found:
        raise AcceleratorError(f"The CUDA build was installed but does not start ({found['error']}); it was not switched on.")
    if not Path(found["file"]).is_relative_to(folder) or found["torch"].partition("+")[0] != wanted_version():
        raise AcceleratorError(
            f"Not the installed build but torch {found['torch']} in {found['file']} started; please report it."
        )
    if not found["cuda"]:
        raise AcceleratorError(f"torch {found['torch']} is a build without CUDA; name a package index that has one with it.")
    if not found["device"]:
        driver = f" {gpu.driver}" if gpu.driver else ""
        raise AcceleratorError(
            f"torch {found['torch']} starts, but cannot use the {gpu.name}: for CUDA {found['cuda']} a newer driver than the "
            f"installed one{driver} may be needed."
        )
    return Build(folder.name, found["torch"], found["cuda"], found["device"], this_python())
