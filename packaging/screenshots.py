"""Photographs every state of the window in light and dark, on several screens: ``python packaging/screenshots.py FOLDER``.

``state-appearance-screen.png``, and a contact sheet per state. The engine is the tests' fake one, which plays its part at once;
with ``--real`` it is the real one. Needs the test dependencies.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from app.widgets.appearance import Appearance

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "app")]

SAMPLE = ROOT / "resources" / "clips" / "sample.mp4"
SCREENS = {
    "1280x720": (1280, 720, 1.0),
    "1920x1080": (1920, 1080, 1.0),
    "1920x1080@1.5": (1920, 1080, 1.5),
    "1920x1080@2": (1920, 1080, 2.0),
}
"""Name → width and height in the screen's own pixels, and the scale that the desktop draws at."""
APPEARANCES: tuple["Appearance", ...] = ("light", "dark")
SHEET_WIDTH = 960
"""Pixels of a picture in a contact sheet."""
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
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    return path


class Studio:
    """One window with an engine of its own, and a camera.

    Attributes:
        window: the window.
        folder: for everything that belongs to this window.
        farm: what stands in for a farm.
        real: whether the real engine restores the sample clip, with the model's own settings.
    """

    def __init__(self, folder: Path, real: bool, **behaviour: object) -> None:
        from fake_engine import fake_engine
        from fake_farm import FakeFarm

        from app.engine.thread import EngineThread
        from app.farm.link import FarmLink
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
        (folder / "farm").mkdir()
        self.farm = FakeFarm(folder / "farm")
        with patch("app.controllers.devices.FarmLink", partial(FarmLink, command=self.farm.command)):
            self.window = MainWindow(engine, folders, preferences, CrashReport(folders.logs))
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
        """Photograph the screen: the window, with open dialogs where they are."""
        from PySide6.QtCore import QPoint
        from PySide6.QtGui import QPainter, QPixmap
        from PySide6.QtWidgets import QApplication, QDialog

        pause(0.3)
        screen = self.window.screen()
        picture = QPixmap(screen.size() * screen.devicePixelRatio())
        picture.setDevicePixelRatio(screen.devicePixelRatio())
        picture.fill(self.window.palette().shadow().color())
        painter = QPainter(picture)
        painter.drawPixmap(self.window.geometry().topLeft() - QPoint(0, min(0, self.window.geometry().top())), self.window.grab())
        dialogs = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible()]
        # a dialog is in front of the one that has opened it
        for dialog in sorted(dialogs, key=lambda dialog: isinstance(dialog.parentWidget(), QDialog)):
            place = dialog.geometry()
            painter.fillRect(place.adjusted(-1, -1, 1, 1), dialog.palette().shadow())
            painter.drawPixmap(place.topLeft(), dialog.grab())
        painter.end()
        picture.save(str(path))
        self.tell_cut_text(path.stem)

    def tell_cut_text(self, name: str) -> None:
        """Print which windows reach beyond the screen, and which labels have less room than their text needs."""
        from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

        for top in (widget for widget in QApplication.topLevelWidgets() if widget.isVisible() and widget.isWindow()):
            if not top.screen().availableGeometry().contains(top.geometry()):
                print(f"{name}: {type(top).__name__} {top.geometry().getRect()} is larger than the screen")
            labels: list[QLabel | QAbstractButton] = [*top.findChildren(QLabel), *top.findChildren(QAbstractButton)]
            for widget in labels:
                wraps = isinstance(widget, QLabel) and widget.wordWrap()
                needed = widget.heightForWidth(widget.width()) if wraps else widget.minimumSizeHint().width()
                if widget.isVisible() and widget.text() and needed > (widget.height() if wraps else widget.width()):
                    print(f"{name}: “{widget.text()[:50]}” is cut ({needed} px needed)")

    def close(self) -> None:
        """End the window and its engine."""
        self.window.session.quit_now()
        self.window.deleteLater()


def pause(seconds: float) -> None:
    """Let the window live for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    # as the program itself waits: QTest.qWait keeps Python's lock, and threads that decode stand still
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


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


def previewing(studio: Studio) -> None:
    """A preview of some frames is being made."""
    studio.add_clips()
    studio.window.preview.timeline.set_chosen(0, 9)
    studio.window.runs.preview("A")
    wait_until(lambda: (studio.window.progress.strip.current or 0) >= 2)
    pause(0.5)


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


def done(studio: Studio) -> None:
    """Done, with the report."""
    studio.add_clips()
    item = studio.window.queue.queue[0]
    studio.window.runner.start_item(item.id)
    wait_until(lambda: studio.window.queue.queue[0].state == "done")
    studio.window.selected.show_report_of(item.id)


def plan(studio: Studio) -> None:
    """The plan of a job that fits."""
    studio.add_clips()
    studio.window.runs.estimate()
    wait_until(lambda: bool(studio.window.runs.plan_dialog and studio.window.runs.plan_dialog.start_button.isEnabled()))


def does_not_fit(studio: Studio) -> None:
    """The plan of a job that does not fit, with what would."""
    studio.add_clips()
    studio.window.runs.estimate()
    wait_until(lambda: bool(studio.window.runs.plan_dialog and studio.window.runs.plan_dialog.offer_buttons))


def failed(studio: Studio) -> None:
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


def settings(studio: Studio) -> None:
    """A clip is open, and every setting is shown."""
    studio.add_clips()
    studio.window.settings_panel.open_these_groups(studio.window.settings_panel.sections)


def preferences(studio: Studio) -> None:
    """The preferences, first page."""
    show_page(studio, 0)


def preferences_results(studio: Studio) -> None:
    """The second page."""
    show_page(studio, 1)


def refused(studio: Studio) -> None:
    """The second page, with a name and a folder that cannot be."""
    show_page(studio, 1)
    dialog = studio.window.preferences_menu.dialog
    assert dialog
    for field, text in ((dialog.pattern_field, "{name}_{size}_{preset}_{date}"), (dialog.folder_field, "results")):
        field.setText(text)
        field.editingFinished.emit()


def start_at(studio: Studio) -> None:
    """When the queue is to start, on a computer that cannot be kept awake."""
    studio.window.unattended.ask_time()
    assert studio.window.unattended.dialog
    studio.window.unattended.dialog.show_awake(False)


def preferences_folders(studio: Studio) -> None:
    """The third page."""
    show_page(studio, 2)


def show_page(studio: Studio, number: int) -> None:
    """A page of the preferences."""
    studio.window.preferences_menu.open()
    assert studio.window.preferences_menu.dialog
    studio.window.preferences_menu.dialog.tabs.setCurrentIndex(number)


def guide(studio: Studio) -> None:
    """The guide, at its pictures."""
    from app.help.guide import GuideDialog

    studio.window.help.show_guide()
    assert isinstance(studio.window.help.guide, GuideDialog)
    studio.window.help.guide.contents.setCurrentRow(1)


def shortcuts(studio: Studio) -> None:
    """All keys."""
    studio.window.action_table["shortcuts"].trigger()


def gpu(studio: Studio) -> None:
    """What can be done to use a GPU, on this machine."""
    from app.help.gpu import GpuDialog

    studio.window.help.show_gpu()
    dialog = studio.window.findChild(GpuDialog)
    assert dialog
    wait_until(lambda: dialog.state is not None)


def farm(studio: Studio) -> None:
    """In a farm of three computers that restore a clip."""
    from fake_farm import IDLE, VERSIONS, WORKING

    card = {
        "device": "NVIDIA GeForce RTX 3060",
        "memory": 12 << 30,
        "host": "render-2",
        "address": "192.168.0.12",
        "unit": 7,
        "done": 3,
    }
    other = {"state": "silent", "host": "office", "address": "192.168.0.13"}
    studio.farm.say(WORKING | {"host": "render-1"}, WORKING | card, IDLE | {"host": "studio"}, IDLE | other)
    here = patch.multiple("app.farm.dialog", has_ray=lambda: True, own_addresses=lambda: ["192.168.0.10"])
    with here, patch.object(studio.window.devices, "versions", lambda: VERSIONS):
        dialog = studio.window.devices.open_farm()
        dialog.listen_box.setCurrentIndex(1)
        dialog.start()
        wait_until(lambda: bool(studio.window.devices.link.view.rows))


def no_farm(studio: Studio) -> None:
    """The farm cannot be entered."""
    studio.farm.refuse(
        "The farm at 192.168.0.10:6380 does not take this token; join with the one that “dcvsr farm start” printed."
    )
    with patch("app.farm.dialog.has_ray", lambda: True):
        dialog = studio.window.devices.open_farm()
        dialog.address_field.setText("192.168.0.10")
        dialog.token_field.setText("not this one")
        dialog.connect_to()
        wait_until(lambda: studio.window.devices.link.view.state == "out")


def without_ray(studio: Studio) -> None:
    """A farm needs something that is not installed."""
    with patch("app.farm.dialog.has_ray", lambda: False):
        studio.window.devices.open_farm()


STATES: dict[Callable[[Studio], None], dict[str, object]] = {
    empty: {},
    clip: {},
    settings: {},
    running: {},
    previewing: {},
    wipe: {},
    alone: {},
    done: {},
    plan: {},
    does_not_fit: {"fits_from": {"scale": 2}},
    failed: {"fail_at_tile": 3},
    preferences: {},
    preferences_results: {},
    refused: {},
    preferences_folders: {},
    start_at: {},
    guide: {},
    shortcuts: {},
    models: {},
    licence: {},
    welcome: {},
    welcome_model: {},
    welcome_clip: {},
    gpu: {},
    farm: {},
    no_farm: {},
    without_ray: {},
}
WITH_REAL_ENGINE = (empty, clip, running, previewing, wipe, done)


def render(target: Path, screen: str, real: bool, only: str | None, language: str) -> None:
    """All states in light and dark, on the screen that this process was started with."""
    from PySide6.QtWidgets import QApplication

    from app.system.translation import install_language
    from app.widgets.appearance import apply_appearance

    app = QApplication([])
    install_language(app, language)
    for appearance in APPEARANCES:
        apply_appearance(app, appearance)
        for state, behaviour in STATES.items():
            if (real and state not in WITH_REAL_ENGINE) or (only and state.__name__ != only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                studio = Studio(Path(folder), real, **behaviour)
                state(studio)
                studio.picture(target / f"{state.__name__}-{appearance}-{screen}.png")
                studio.close()


def environment_of(screen: str, folder: Path) -> dict[str, str]:
    """An environment in which Qt has such a screen."""
    width, height, scale = SCREENS[screen]
    facts = {"name": screen, "x": 0, "y": 0, "width": round(width / scale), "height": round(height / scale), "dpr": scale}
    described = folder / f"{screen}.json"
    described.write_text(json.dumps({"screens": [facts | {"logicalDpi": 96, "logicalBaseDpi": 96}]}), encoding="utf-8")
    return os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={described}"}


def make_sheets(folder: Path) -> None:
    """A picture per state with all screens, light beside dark."""
    from PIL import Image

    for state in STATES:
        rows = [[folder / f"{state.__name__}-{appearance}-{screen}.png" for appearance in APPEARANCES] for screen in SCREENS]
        rows = [row for row in rows if all(path.exists() for path in row)]
        pictures = [[Image.open(path).convert("RGB") for path in row] for row in rows]
        scaled = [[p.resize((SHEET_WIDTH, SHEET_WIDTH * p.height // p.width)) for p in row] for row in pictures]
        sheet = Image.new("RGB", (len(APPEARANCES) * SHEET_WIDTH, sum(row[0].height for row in scaled) or 1))
        top = 0
        for row in scaled:
            for column, picture in enumerate(row):
                sheet.paste(picture, (column * SHEET_WIDTH, top))
            top += row[0].height
        if rows:
            sheet.save(folder / f"sheet-{state.__name__}.png")


def main() -> None:
    """One process per screen, as Qt reads it once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--real", action="store_true", help="with the real engine and the built-in model")
    parser.add_argument("--only", help="one state: " + ", ".join(state.__name__ for state in STATES))
    parser.add_argument("--language", default="en", help="of the window: en or zh_CN")
    parser.add_argument("--screen", choices=SCREENS, help="one screen")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.here:
        render(options.folder, options.screen, options.real, options.only, options.language)
        return
    with tempfile.TemporaryDirectory() as folder:
        for screen in [options.screen] if options.screen else SCREENS:
            environment = environment_of(screen, Path(folder))
            subprocess.run([sys.executable, *sys.argv, "--here", "--screen", screen], env=environment, check=True)
    make_sheets(options.folder)


if __name__ == "__main__":
    main()
