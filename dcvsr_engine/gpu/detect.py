"""Looks for an NVIDIA GPU without torch: ``nvidia-smi``, the driver's library, or what Linux reports about the driver.

Not nvidia-ml-py: it knows one of these three ways, and would be one more dependency of every bundle.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dcvsr_engine.gpu.own_process import NO_WINDOW

SMI_SECONDS = 15.0
PROC = Path("/proc/driver/nvidia")
LIBRARIES = {"win32": "nvcuda.dll", "linux": "libcuda.so.1"}
GPU_NAME_BYTES = 128


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU whose driver is installed. Unknown values are empty or 0; ``memory`` is in bytes."""

    name: str
    driver: str = ""
    memory: int = 0


def detect_gpu() -> Gpu | None:
    """Find the first NVIDIA GPU of this computer; ``None`` when there is none with a driver."""
    return from_nvidia_smi() or from_driver_library() or from_proc()


def from_nvidia_smi() -> Gpu | None:
    """Ask the driver's own tool."""
    # Windows' driver puts the tool there, which is not always on the path
    system = Path(os.environ.get("SYSTEMROOT", "")) / "System32"
    program = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path=str(system))
    if program is None:
        return None
    query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            [program, *query], capture_output=True, text=True, timeout=SMI_SECONDS, check=True, creationflags=NO_WINDOW
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    cells = [cell.strip() for cell in answer.stdout.partition("\n")[0].split(",")]
    if len(cells) != 3 or not cells[0]:
        return None
    return Gpu(cells[0], cells[1], int(cells[2]) << 20 if cells[2].isdecimal() else 0)


def from_driver_library() -> Gpu | None:
    """Ask the driver itself (CUDA driver API: ``cuInit``, ``cuDeviceGetCount``, ``cuDeviceGetName``)."""
    if sys.platform not in LIBRARIES:
        return None
    try:
        driver = ctypes.CDLL(LIBRARIES[sys.platform])
        count, device, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(GPU_NAME_BYTES)
        failed = (
            driver.cuInit(0)
            or driver.cuDeviceGetCount(ctypes.byref(count))
            or not count.value
            or driver.cuDeviceGet(ctypes.byref(device), 0)
            or driver.cuDeviceGetName(name, GPU_NAME_BYTES, device)
        )
    except (OSError, AttributeError):
        return None
    return None if failed else Gpu(name.value.decode(errors="replace"))


def from_proc(proc: Path = PROC) -> Gpu | None:
    """Read what Linux reports about a loaded driver."""
    try:
        texts = [path.read_text(errors="replace") for path in sorted(proc.glob("gpus/*/information"))]
        version = (proc / "version").read_text(errors="replace")
    except OSError:
        return None
    names = [match.group(1) for text in texts if (match := re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE))]
    driver = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)", version)
    return Gpu(names[0], driver.group(1) if driver else "") if names else None
