"""Renders the window's main states in light and dark, at 100 %, 150 % and 200 %: ``python packaging/screenshots.py FOLDER``.

The engine is the tests' fake one, which plays its part at once; with ``--real`` it is the real one. Needs the test dependencies.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "app")]

SAMPLE = ROOT / "resources" / "clips" / "sample.mp4"
SIZE = 1280, 820
SCALES = 1, 1.5, 2
FRAMES = 40
LR_SIZE = 240, 160
SECONDS = 600.0
"""The longest that a state may take to come about."""


def write_clip(path: Path) -> Path:
    """A slow pan over a photograph, small and compressed."""
    import av
    from PIL import Image
    from skimage.data import coffee

    photograph = Image.fromarray(coffee())
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "30"})
        stream.width, stream.height, stream.pix_fmt = *LR_SIZE, "yuv420p"
        for index in range(FRAMES):
            frame = photograph.crop((index, index // 2, index + 540, index // 2 + 360)).resize(LR_SIZE, Image.Resampling.BICUBIC)
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())
    return path


class Studio:
    """One window with an engine of its own, and a camera.

    Attributes:
        window: the window.
        folder: for everything that belongs to this window.
        real: whether the real engine restores the sample clip, with the model's own settings.
    """

    def __init__(self, folder: Path, real: bool, **behaviour: object) -> None:
        from fake_engine import fake_engine

        from app.engine.thread import EngineThread
        from app.main_window import MainWindow
        from app.models.declared import declared
        from app.system.crash_report import CrashReport
        from app.system.folders import UserFolders
        from app.system.preferences import Preferences

        folders = UserFolders(folder / "config", folder / "data", folder / "logs")
        fake = fake_engine(folder / "jobs", model=declared("compact"), tile_seconds=0.05, **behaviour)
        engine = EngineThread() if real else EngineThread(fake)
        preferences = Preferences(folders.preferences)
        preferences.plan_first = False
        if not real:
            preferences.restore = preferences.restore.replace(
                steps=8, guidance="dssag", guidance_scale=2.0, tiling="paper", tile=64
            )
        preferences.open_groups = ["guidance", "propagation"]
        self.window = MainWindow(engine, folders, preferences, CrashReport(folders.logs))
        self.window.resize(*SIZE)
        self.window.show()
        engine.start()
        self.folder, self.real = folder, real

    def add_clips(self) -> None:
        """A clip to look at and another that waits."""
        first = self.folder / ("sample.mp4" if self.real else "coffee 1998.mp4")
        if self.real:
            first.write_bytes(SAMPLE.read_bytes())
        else:
            write_clip(first)
        second = self.folder / "tape_03.mp4"
        second.write_bytes(first.read_bytes())
        self.window.add_clips([first, second])
        wait_until(lambda: self.window.preview.info is not None and all(item.size for item in self.window.queue.queue))

    def run_until(self, steps: int) -> None:
        """Start the queue and wait until some steps are done."""
        self.window.preview.actions_by_id["preview.tiles"].setChecked(True)
        self.window.runs.restore()
        wait_until(lambda: (self.window.progress.strip.current or 0) >= steps and self.window.progress.times.text() != "")
        pause(0.5)

    def picture(self, path: Path) -> None:
        """Photograph the window, with an open dialog in its middle."""
        from PySide6.QtGui import QPainter
        from PySide6.QtWidgets import QApplication, QDialog

        pause(0.3)
        picture = self.window.grab()
        for dialog in (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible()):
            painter = QPainter(picture)
            x, y = (self.window.width() - dialog.width()) // 2, (self.window.height() - dialog.height()) // 3
            painter.fillRect(x - 1, y - 1, dialog.width() + 2, dialog.height() + 2, dialog.palette().shadow())
            painter.drawPixmap(x, y, dialog.grab())
            painter.end()
        picture.save(str(path))

    def close(self) -> None:
        """End the window and its engine."""
        self.window.session.quit_now()
        self.window.deleteLater()


def pause(seconds: float) -> None:
    """Let the window live for a while."""
    from PySide6.QtTest import QTest

    QTest.qWait(round(1000 * seconds))


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the window live until something is so; raises `TimeoutError`."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get into the wanted state")
        pause(0.02)


def empty(studio: Studio) -> None:
    """Just started."""


def clip(studio: Studio) -> None:
    """A clip is open, nothing runs."""
    studio.add_clips()


def running(studio: Studio) -> None:
    """A clip is being restored, with the tiles over it."""
    studio.add_clips()
    studio.run_until(4)


def wipe(studio: Studio) -> None:
    """A preview is done and compared by a wipe."""
    from app.engine.runner import Activity
    from app.preview.model import CompareMode

    studio.add_clips()
    studio.window.preview.timeline.set_chosen(0, 9)
    studio.window.runs.preview("A")
    wait_until(lambda: studio.window.runner.activity == Activity.IDLE)
    studio.window.preview.set_mode(CompareMode.WIPE)
    studio.window.preview.go_to(4)


def alone(studio: Studio) -> None:
    """The preview alone on the full screen."""
    wipe(studio)
    studio.window.full_screen.show(True)


def finished(studio: Studio) -> None:
    """Done, with the report."""
    studio.add_clips()
    item = studio.window.queue.queue[0]
    studio.window.runner.start_item(item.id)
    wait_until(lambda: studio.window.queue.queue[0].state == "done")
    studio.window.selected.show_report_of(item.id)


def plan(studio: Studio) -> None:
    """The plan of a job that does not fit, with what would."""
    studio.add_clips()
    studio.window.runs.estimate()
    wait_until(lambda: bool(studio.window.runs.plan_dialog and studio.window.runs.plan_dialog.offer_buttons))


def error(studio: Studio) -> None:
    """A job failed."""
    studio.add_clips()
    studio.window.runs.restore()
    wait_until(lambda: studio.window.queue.queue[1].state == "failed")


def models(studio: Studio) -> None:
    """The models window, with the published network chosen."""
    studio.window.models.open_at("dc-vsr")


def licence(studio: Studio) -> None:
    """What is asked before a download."""
    studio.window.models.open_at("dc-vsr")
    assert studio.window.models.dialog
    studio.window.models.dialog.ask_to_download()


def welcome(studio: Studio) -> None:
    """The first step of the first start."""
    show_step(studio, 0)


def welcome_model(studio: Studio) -> None:
    """The second step."""
    show_step(studio, 1)


def welcome_clip(studio: Studio) -> None:
    """The third step."""
    show_step(studio, 2)


def show_step(studio: Studio, number: int) -> None:
    """A step of the first start, on this machine."""
    from app.help.welcome import WelcomeDialog

    studio.window.help.show_welcome()
    dialog = studio.window.findChild(WelcomeDialog)
    assert dialog
    dialog.show_page(number)
    wait_until(lambda: dialog.state is not None)


def gpu(studio: Studio) -> None:
    """What can be done to use a GPU, on this machine."""
    from app.help.gpu import GpuDialog

    studio.window.help.show_gpu()
    wait_until(lambda: studio.window.findChild(GpuDialog).state is not None)


STATES: dict[Callable[[Studio], None], dict[str, object]] = {
    empty: {},
    clip: {},
    running: {},
    wipe: {},
    alone: {},
    finished: {},
    plan: {"fits_from": {"scale": 2}},
    error: {"fail_at_tile": 3},
    models: {},
    licence: {},
    welcome: {},
    welcome_model: {},
    welcome_clip: {},
    gpu: {},
}
FAKE_ONLY = (plan, error, welcome, welcome_model, welcome_clip, gpu)


def render(target: Path, real: bool, only: str | None) -> None:
    """All states in light and dark, at the scale that this process was started with."""
    from PySide6.QtWidgets import QApplication

    from app.widgets.appearance import apply_appearance

    app = QApplication([])
    scale = round(100 * app.devicePixelRatio())
    for appearance in ("light", "dark"):
        apply_appearance(app, appearance)
        for state, behaviour in STATES.items():
            if (real and state in FAKE_ONLY) or (only and state.__name__ != only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                studio = Studio(Path(folder), real, **behaviour)
                state(studio)
                studio.picture(target / f"{state.__name__}-{appearance}-{scale}.png")
                studio.close()
                print(f"{state.__name__}-{appearance}-{scale}.png")


def main() -> None:
    """One process per scale, as Qt reads it once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--real", action="store_true", help="with the real engine and the built-in model")
    parser.add_argument("--only", help="one state: " + ", ".join(state.__name__ for state in STATES))
    parser.add_argument("--scale", type=float, choices=SCALES, help="one scale, in this process")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.scale:
        render(options.folder, options.real, options.only)
        return
    for scale in SCALES:
        with tempfile.TemporaryDirectory() as folder:
            platform = f"offscreen:configfile={write_screen(Path(folder), scale)}"
            environment = os.environ | {"QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": platform}
            subprocess.run([sys.executable, *sys.argv, "--scale", str(scale)], env=environment, check=True)


def write_screen(folder: Path, scale: float) -> Path:
    """Describe a screen of the window's size to Qt's offscreen platform, whose own is 800×800."""
    width, height = (round(scale * side) for side in SIZE)
    screen = {"name": "screen", "x": 0, "y": 0, "width": width, "height": height}
    path = folder / "screen.json"
    path.write_text(json.dumps({"screens": [screen | {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}]}))
    return path


if __name__ == "__main__":
    main()
