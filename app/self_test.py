"""Whether this copy of the program works: ``dcvsr-studio --self-test`` tries every part that users depend on, for real."""

import importlib
import json
import os
import pkgutil
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QCoreApplication, QLibraryInfo, QPluginLoader, QThread, qVersion
from PySide6.QtGui import QGuiApplication, QImage, QImageReader
from PySide6.QtWidgets import QApplication

import app as package
from app.engine.thread import EngineDied, EngineThread
from app.main_window import MainWindow
from app.system.crash_report import CrashReport
from app.system.desktop import app_icon
from app.system.folders import UserFolders
from app.system.preferences import Preferences
from app.system.sound_output import SoundUnavailable, open_output
from dcvsr_engine import __version__
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import OutputSettings, RestoreSettings
from dcvsr_engine.storage import write_json
from dcvsr_engine.video.color import ColorInfo
from dcvsr_engine.video.encoders import LEFT, codec_here
from dcvsr_engine.worker.messages import EngineEvent, Failed, JobFinished, Ready, RunJob

FRAMES = 9
TRIAL_SIDE = 64
"""Pixels of the restored clip's frames: one tile of the built-in model."""

TRIAL_SCALE = 4
ENGINE_SECONDS, JOB_SECONDS, WINDOW_SECONDS = 300.0, 900.0, 60.0
"""What a slow machine is given before a part counts as hanging."""

LEAST_CODED_DB, LEAST_RESTORED_DB, MOST_RESTORED_DB = 32.0, 20.0, 45.0
"""PSNR of an H.264 copy; of the restored frames beside the enlarged input: alike, yet not the same."""

LEAST_COLORS = 100
FILES = (
    ("models", "compact", "unet", "diffusion_pytorch_model.safetensors"),
    ("clips", "sample.mp4"),
    ("icons", "dcvsr-studio.svg"),
    ("translations", "studio_zh_CN.qm"),
)
PLATFORM_PLUGINS = {"win32": "qwindows", "darwin": "libqcocoa"}

Frames = NDArray[np.uint8]
EventT = TypeVar("EventT", bound=EngineEvent)


class SelfTestError(Exception):
    """A part does not do what it should; the message says what is wrong."""


@dataclass(frozen=True)
class CheckResult:
    """The result of one part: its ``name``, whether it is ``ok``, how long it took, and a ``detail`` in words."""

    name: str
    ok: bool
    seconds: float
    detail: str


class Checks:
    """Tries parts one after the other; one that fails does not keep the others from being tried.

    Attributes:
        done: their results.
    """

    def __init__(self) -> None:
        self.done: list[CheckResult] = []

    def attempt(self, name: str, work: Callable[[], str]) -> bool:
        """Do ``work``, which returns a detail or raises; whether it went well."""
        begin = time.perf_counter()
        try:
            ok, detail = True, work()
        except Exception as error:
            ok, detail = False, str(error) if isinstance(error, SelfTestError) else f"{type(error).__name__}: {error}"
        check = CheckResult(name, ok, round(time.perf_counter() - begin, 2), detail)
        self.done.append(check)
        if sys.stdout:  # a program with a window may have none
            print(f"{'ok    ' if ok else 'FAILED'} {name:<13} {check.seconds:7.2f} s  {detail}", flush=True)
        return ok

    @property
    def ok(self) -> bool:
        """Whether everything went well."""
        return bool(self.done) and all(check.ok for check in self.done)

    def report(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "version": __version__,
            "ok": self.ok,
            "frozen": bool(getattr(sys, "frozen", False)),
            "python": platform.python_version(),
            "system": platform.platform(),
            "qt": qVersion(),
            "qt_platform": QGuiApplication.platformName(),
            "checks": [asdict(check) for check in self.done],
        }


# -- the program's own parts ------------------------------------------------------------------------------------


def import_everything() -> str:
    """Every module of the window can be imported."""
    names = [module.name for module in pkgutil.walk_packages(package.__path__, "app.") if not module.name.endswith("__main__")]
    for name in names:
        importlib.import_module(name)
    if len(names) < 10:
        raise SelfTestError(f"Only {len(names)} modules of the window are there.")
    return f"{len(names)} modules"


def find_files() -> str:
    """The model, the sample clip and the other files exist."""
    missing = [str(Path(*parts)) for parts in FILES if not resource(*parts).is_file()]
    if missing:
        raise SelfTestError(f"{', '.join(missing)} missing in {resource()}")
    return f"{len(FILES)} files in {resource()}"


def look_around() -> str:
    """Programs of the system that this one starts, such as the file manager, do not find the libraries of a bundle."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle and bundle in os.environ.get("LD_LIBRARY_PATH", ""):
        raise SelfTestError("LD_LIBRARY_PATH leads other programs into the bundle.")
    return f"in {bundle}" if bundle else "no bundle"


def load_platform() -> str:
    """Qt's plug-in for this system's screen and the libraries that it needs can be loaded, even without a screen."""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    name = PLATFORM_PLUGINS.get(sys.platform, "libqxcb")
    loader = QPluginLoader(str(next(folder.glob(f"{name}.*"), folder / name)))
    if not loader.load():
        raise SelfTestError(loader.errorString())
    return f"{name} loads; running on {QGuiApplication.platformName()}"


def draw_icon() -> str:
    """The picture formats that the window needs can be read, and its icon is drawn."""
    known = {bytes(name.data()).decode() for name in QImageReader.supportedImageFormats()}
    missing = {"svg", "png", "jpeg"} - known
    if missing:
        raise SelfTestError(f"Qt cannot read {', '.join(sorted(missing))}.")
    return f"icon with {colors_of(app_icon().pixmap(64).toImage(), least=8)} colours"


def colors_of(image: QImage, least: int) -> int:
    """The number of different colours in a picture; raises `SelfTestError` when there are fewer than ``least``."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[:, : image.width()]
    count = len(np.unique(pixels))
    if count < least:
        raise SelfTestError(f"The picture of {image.width()} × {image.height()} has {count} colours: nothing was drawn.")
    return count


def open_sound() -> str:
    """The library for sound is there; a machine without a device works all the same."""
    importlib.import_module("miniaudio")
    try:
        with open_output(lambda count: np.zeros((count, 2), np.int16)):
            return "a device takes sound"
    except SoundUnavailable as problem:
        return str(problem)


def command_line() -> list[str]:
    """How the command line is started from this copy of the program."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("dcvsr" + Path(sys.executable).suffix))]
    return [sys.executable, "-m", "dcvsr_engine"]


def run_command_line() -> str:
    """The command line starts and sees the built-in model."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    done = subprocess.run(
        [*command_line(), "models", "--json"], capture_output=True, text=True, encoding="utf-8", timeout=ENGINE_SECONDS,
        creationflags=flags, check=False,
    )  # fmt: skip
    if done.returncode or "compact" not in json.loads(done.stdout):
        raise SelfTestError(f"{command_line()[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return f"models: {', '.join(json.loads(done.stdout))}"


# -- video ------------------------------------------------------------------------------------------------------


def read_frames(path: Path, count: int | None = None) -> Frames:
    """The first ``count`` frames of a clip, or all: RGB ``(frames, height, width, 3)``."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), count)])


def write_frames(path: Path, frames: Frames, codec: str, pixel_format: str, options: dict[str, str]) -> None:
    """Encode frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25, options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pixel_format
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def likeness_db(first: Frames, second: Frames) -> float:
    """Likeness of two clips in dB; raises `SelfTestError` when their shapes differ."""
    if first.shape != second.shape:
        raise SelfTestError(f"There are {first.shape} frames and pixels where {second.shape} were expected.")
    error = float(np.mean((first.astype(float) - second) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def code_h264(frames: Frames, path: Path) -> str:
    """H.264 is written and read."""
    codec = codec_here("h264")
    options = codec.options(OutputSettings(crf=12), ColorInfo("bt709", "tv", "bt709", "bt709"), LEFT, frames.shape[2])
    write_frames(path, frames, codec.encoder, "yuv420p", options)
    likeness = likeness_db(read_frames(path), frames)
    if likeness < LEAST_CODED_DB:
        raise SelfTestError(f"Coded and decoded, the frames are only {likeness:.1f} dB alike.")
    return f"{len(frames)} frames by {codec.encoder}, {likeness:.1f} dB"


def code_ffv1(frames: Frames, path: Path) -> str:
    """FFV1 is written and read without loss."""
    write_frames(path, frames, "ffv1", "bgr0", {})
    if likeness_db(read_frames(path), frames) != float("inf"):
        raise SelfTestError("Frames coded without loss came back changed.")
    return f"{len(frames)} frames, lossless"


# -- the engine -------------------------------------------------------------------------------------------------


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Keep the window going until ``condition`` holds; raises `SelfTestError` after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SelfTestError(f"No {what} within {seconds:.0f} s.")
        QCoreApplication.processEvents()
        QThread.msleep(10)


class EngineTrial:
    """The engine process as the window uses it.

    Attributes:
        engine: the thread that owns it.
        events: everything that it said.
    """

    def __init__(self) -> None:
        self.engine = EngineThread()
        self.events: list[EngineEvent | EngineDied] = []
        self.engine.received.connect(self.events.append)
        self.engine.died.connect(self.events.append)

    def wait_for(self, kind: type[EventT], seconds: float) -> EventT:
        """The first event of a kind; raises `SelfTestError` when the engine fails instead."""
        ends = (kind, Failed, EngineDied)
        wait_until(lambda: any(isinstance(event, ends) for event in self.events), seconds, kind.__name__)
        event = next(event for event in self.events if isinstance(event, ends))
        if isinstance(event, kind):
            return event
        raise SelfTestError(f"{event.message} {event.details}" if isinstance(event, Failed) else f"The engine died: {event}")

    def start(self) -> str:
        """The process starts and says what it computes with."""
        self.engine.start()
        ready = self.wait_for(Ready, ENGINE_SECONDS)
        if self.engine.process_id in (None, os.getpid()):
            raise SelfTestError("The engine is no process of its own.")
        return f"torch {ready.torch}; {', '.join(device.title for device in ready.devices)}"

    def restore(self, source: Path, folder: Path) -> str:
        """The built-in model restores a clip by the same messages that the window sends."""
        # what every machine has
        settings = RestoreSettings(device="cpu", steps=1)
        request = JobRequest(
            source=source, target=folder / "restored.mkv", settings=settings, output=OutputSettings(codec="ffv1")
        )
        self.engine.send(RunJob("self-test", request, folder / "job"))
        report = self.wait_for(JobFinished, JOB_SECONDS).report
        likeness = likeness_db(read_frames(folder / "restored.mkv"), enlarged_frames(read_frames(source)))
        if not LEAST_RESTORED_DB < likeness < MOST_RESTORED_DB:
            raise SelfTestError(f"The result is {likeness:.1f} dB like the input, which no restoration is.")
        return f"{report['frames_out']} frames in {sum(report['seconds'].values()):.1f} s, {likeness:.1f} dB"

    def stop(self, process: int | None) -> str:
        """The process ends with the window; it is ended in any case."""
        if not self.engine.closed:
            self.engine.shut_down()
        if process is None or (psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE):
            raise SelfTestError(f"The engine's process {process} is still there or never was.")
        return f"process {process} has ended"


def enlarged_frames(frames: Frames) -> Frames:
    """Frames enlarged bicubically."""
    size = frames.shape[2] * TRIAL_SCALE, frames.shape[1] * TRIAL_SCALE
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in frames])


# -- the window -------------------------------------------------------------------------------------------------


def open_window(engine: EngineThread, clip: Path, folder: Path) -> str:
    """The window opens with a clip and is painted."""
    folders = UserFolders(folder / "config", folder / "data", folder / "logs")
    window = MainWindow(engine, folders, Preferences(folders.preferences), CrashReport(folders.logs))
    try:
        window.show()
        window.add_clips([clip])
        wait_until(lambda: window.preview.info is not None, WINDOW_SECONDS, "clip in the window")
        QCoreApplication.processEvents()
        image = window.grab().toImage()
        return f"{image.width()} × {image.height()} pixels, {colors_of(image, LEAST_COLORS)} colours"
    finally:
        window.shut_down()


def try_everything(checks: Checks, folder: Path) -> None:
    """All checks; files go to ``folder``."""
    trial, clip, sample = EngineTrial(), folder / "clip.mp4", resource("clips", "sample.mp4")
    checks.attempt("imports", import_everything)
    checks.attempt("files", find_files)
    checks.attempt("environment", look_around)
    checks.attempt("Qt platform", load_platform)
    checks.attempt("pictures", draw_icon)
    checks.attempt("sound", open_sound)
    checks.attempt("command line", run_command_line)
    checks.attempt("H.264", lambda: code_h264(read_frames(sample, FRAMES)[:, :TRIAL_SIDE, :TRIAL_SIDE], clip))
    checks.attempt("FFV1", lambda: code_ffv1(read_frames(sample, FRAMES), folder / "clip.mkv"))
    checks.attempt("engine", trial.start)
    process = trial.engine.process_id
    checks.attempt("restoration", lambda: trial.restore(clip, folder))
    checks.attempt("window", lambda: open_window(trial.engine, clip, folder))
    checks.attempt("end", lambda: trial.stop(process))


def run_self_test(report: Path | None) -> int:
    """Try everything and write a report; returns the exit status: 0 when all is well, otherwise 1."""
    # works on build machines, which have no screen
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication.instance() or QApplication(["dcvsr-studio"])
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="dcvsr-self-test-", ignore_cleanup_errors=True) as folder:
        try_everything(checks, Path(folder))
    application.processEvents()
    if report:
        write_json(report, checks.report())
    return 0 if checks.ok else 1
