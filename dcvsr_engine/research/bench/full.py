"""``dcvsr bench full``: what the full-size network costs on this device, by random weights – never a picture.

Every row is measured by itself, printed when it is there, and may fail without the others.
"""

import gc
import json
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, TextIO

import diffusers
import torch
from torch import Tensor

from dcvsr_engine.errors import OutputError
from dcvsr_engine.network.device import DTYPES, device_title
from dcvsr_engine.research.bench.full_network import FULL, TINY, FullSize, random_model
from dcvsr_engine.settings import Precision
from dcvsr_engine.storage import describe_os_error, refuse_unsafe

LABEL = "random weights: cost only, never a picture"
FullFinding = tuple[str, dict[str, Any]]
"""A line of text, and the same as plain values."""
RowWork = Callable[["Stand"], Iterator[FullFinding]]


class RowTooLong(Exception):
    """A row took longer than there is time for."""


class Stand:
    """What rows are measured on, and what the ones before have found.

    Attributes:
        size: of everything.
        model: the network, on its device.
        found: figures by name.
    """

    def __init__(self, size: FullSize, device: str, precision: Precision) -> None:
        self.size, self.model = size, random_model(size, device, precision)
        self.found: dict[str, float] = {}

    @property
    def on_cuda(self) -> bool:
        """Whether a CUDA device computes."""
        return self.model.device == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        """The network's number format."""
        return DTYPES[self.model.precision]

    def note(self, name: str, value: float) -> float:
        """Remember a figure for later rows; returns it."""
        self.found[name] = value
        return value

    def wait(self) -> None:
        """Wait until the device has done everything."""
        if self.on_cuda:
            torch.cuda.synchronize()

    def once(self, work: Callable[[], Any]) -> float:
        """Seconds that ``work`` takes, waiting for the device included."""
        self.wait()
        began = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - began

    def seconds(self, work: Callable[[], Any], warm: bool = False) -> float:
        """Median of several times of ``work``, after a run that loads and allocates unless it is ``warm``."""
        if not warm:
            work()
        return median(self.once(work) for _ in range(self.size.repeats))

    def peak(self, work: Callable[[], Any]) -> int:
        """Most bytes of the device that ``work`` holds beside what was held before; 0 on a processor, where nobody counts."""
        if not self.on_cuda:
            work()
            return 0
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated()) - before

    def random(self, *shape: int) -> Tensor:
        """Random numbers on the host, as latents are."""
        return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def release() -> None:
    """Free what nobody holds any longer, on the host and on the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def environment(stand: Stand) -> Iterator[FullFinding]:
    """Where it is measured."""
    device = stand.model.device
    facts: dict[str, Any] = {
        "device": device_title(device), "precision": stand.model.precision,
        "torch": torch.__version__, "diffusers": diffusers.__version__,
        "python": platform.python_version(), "platform": platform.platform(), "threads": torch.get_num_threads(),
        "parameters": sum(weight.numel() for weight in stand.model.unet.parameters()),
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32, "tf32_cudnn": torch.backends.cudnn.allow_tf32,
    }  # fmt: skip
    if stand.on_cuda:
        card = torch.cuda.get_device_properties(0)
        facts |= {"memory": card.total_memory, "multiprocessors": card.multi_processor_count, "cuda": torch.version.cuda}
        facts |= {"cudnn": torch.backends.cudnn.version(), "driver": driver_version()}
    yield ", ".join(f"{name} {value}" for name, value in facts.items()), facts


def driver_version() -> str:
    """The version of NVIDIA's driver, empty where nothing tells it."""
    command = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,power.limit", "--format=csv,noheader"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    return ""


def dense_rate(stand: Stand) -> Iterator[FullFinding]:
    """How fast this device multiplies matrices."""
    side = stand.size.dense
    first, second = (torch.randn(side, side, device=stand.model.device).to(stand.dtype) for _ in range(2))
    times = [product_seconds(stand, first, second) for _ in range(13)][3:]
    rate = stand.note("dense", 2 * side**3 / median(times))
    yield f"{side}³ in {stand.model.precision}: {rate / 1e12:.1f} TFLOP/s", {"side": side, "flops_per_second": rate}


def product_seconds(stand: Stand, first: Tensor, second: Tensor) -> float:
    """Seconds of one product of matrices ``(n, n)``, by the device's own clock."""
    if not stand.on_cuda:
        return stand.once(lambda: first @ second)
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    torch.mm(first, second)
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 1000


# -- the run ----------------------------------------------------------------------------------------------------


def all_rows() -> dict[str, RowWork]:
    """Every row by name, the most important first."""
    from dcvsr_engine.research.bench import full_memory, full_savings, full_steps, full_tiles

    return {
        "environment": environment,
        "dense": dense_rate,
        "tile": full_tiles.tile_row,
        "ways": full_tiles.ways_row,
        "steps": full_steps.steps_row,
        "first-stage": full_tiles.first_stage_row,
        "frames": full_steps.frames_row,
        "ladder": full_memory.ladder_row,
        "attention": full_memory.attention_row,
        "hd-window": full_steps.hd_row,
        "profile": full_tiles.kernels_row,
        "preview": full_savings.preview_row,
        "front": full_savings.front_row,
        "waits": full_savings.waits_row,
        "compile": full_savings.compile_row,
    }


ROW_NAMES = tuple(all_rows())


def new_file(target: Path) -> TextIO:
    """Open a file to write; raises `OutputError` where it cannot be, or would replace one."""
    refuse_unsafe(target, overwrite=False)
    try:
        return target.open("x", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"“{target}” cannot be written ({describe_os_error(error)}).") from None


class FindingLog:
    """Prints findings the moment they are there, and writes them as JSON lines.

    Raises:
        OutputError: the file cannot be written, or is there already.
    """

    def __init__(self, target: Path | None, as_json: bool = False) -> None:
        self._file = new_file(target) if target else None
        self._as_json, self._began = as_json, time.monotonic()

    def say(self, row: str, text: str, values: dict[str, Any]) -> None:
        """Tell one finding of a ``row``."""
        at = round(time.monotonic() - self._began, 1)
        line = json.dumps({"row": row, "at": at, "label": LABEL} | values, default=str)
        print(line if self._as_json else f"[{at:6.1f} s] {row}: {text}", flush=True)
        if self._file is not None:
            self._file.write(line + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def run_full(tiny: bool, device: str, precision: Precision, minutes: float, rows: tuple[str, ...], log: FindingLog) -> int:
    """Measure ``rows``, all where none is named, for at most so many ``minutes``; returns how many failed or were left out."""
    ends = time.monotonic() + 60 * minutes
    log.say("begin", LABEL, {})
    stand, failed = Stand(TINY if tiny else FULL, device, precision), 0
    for name, work in all_rows().items():
        if rows and name not in rows:
            continue
        left = ends - time.monotonic()
        if left <= 0:
            log.say(name, "left out: the time is over", {"error": "left out"})
            failed += 1
            continue
        failed += not run_row(name, work, stand, left, log)
        release()
    log.say("end", f"{failed} rows failed or were left out", {"failed": failed})
    return failed


def run_row(name: str, work: RowWork, stand: Stand, left: float, log: FindingLog) -> bool:
    """Measure one row in at most ``left`` seconds; an error is one line. Returns whether it ended well."""
    try:
        with torch.no_grad(), time_limit(left):
            for text, values in work(stand):
                log.say(name, text, values)
    except Exception as error:
        sentence = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        log.say(name, f"failed: {sentence}", {"error": sentence, "place": error_places(error)})
        return False
    return True


def error_places(error: BaseException) -> str:
    """The last lines of the engine's own code that an error came through."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-6:])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `RowTooLong` inside after so many seconds, where the system can, whatever the work makes of it."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    over = RowTooLong(f"more than {seconds:.0f} s")
    raised = threading.Event()

    def stop(*facts: object) -> None:
        raised.set()
        raise over

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception:
        if raised.is_set():  # Inductor makes an error of its own of it
            raise over from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
