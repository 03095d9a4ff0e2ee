"""The window's actions and menus."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.system.translation import LANGUAGES
from app.widgets.appearance import APPEARANCES, Appearance
from app.widgets.formats import shortened

Key = str | QKeySequence.StandardKey | None


class Actions(QObject):
    """Every action that belongs to the window and not to one of its panels; what they do is connected by the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        standard = QKeySequence.StandardKey
        self.open = self._new(self.tr("&Open clips…"), standard.Open)
        self.open_folder = self._new(self.tr("Open &folder…"), "Ctrl+Shift+O")
        self.target = self._new(self.tr("Output &file…"), standard.SaveAs)
        self.quit = self._new(self.tr("&Quit"), standard.Quit)
        self.paste = self._new(self.tr("&Paste clips"), standard.Paste)
        self.defaults = self._new(self.tr("&Default settings"), "Ctrl+0")
        self.save_preset = self._new(self.tr("&Save as preset…"), None)
        self.full_screen = self._new(self.tr("Full screen"), standard.FullScreen, checkable=True)
        self.preview_a = self._new(self.tr("Preview as variant &A"), "F5")
        self.preview_b = self._new(self.tr("Preview as variant &B"), "Shift+F5")
        self.visible_only = self._new(self.tr("Preview only the &visible part"), "Ctrl+F5", checkable=True)
        self.in_out_only = self._new(self.tr("Restore only from &in to out"), None, checkable=True)
        self.preview = self._new(self.tr("Preview segment"), None)
        self.plan = self._new(self.tr("&Estimate…"), "Ctrl+E")
        self.restore = self._new(self.tr("&Restore"), "Ctrl+Return")
        self.pause = self._new(self.tr("Pause"), "F6")
        self.cancel = self._new(self.tr("&Cancel"), "Ctrl+.")
        self.stop = self._new(self.tr("&Stop now"), "Ctrl+Shift+.")
        self.models = self._new(self.tr("&Models…"), "Ctrl+M")
        self.add_model = self._new(self.tr("&Use a folder where it is…"), None)
        self.models_folder = self._new(self.tr("&Open the models folder"), None)
        self.welcome = self._new(self.tr("&First steps…"), None)
        self.gpu = self._new(self.tr("Use my &GPU…"), None)
        self.about = self._new(self.tr("&About DC-VSR Studio"), None)
        self.crash = self._new(self.tr("Report of the last &crash…"), None)
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.preview.setMenu(self._preview_menu())
        self._tell()

    def _new(self, text: str, key: Key, checkable: bool = False) -> QAction:
        action = QAction(text, self)
        action.setCheckable(checkable)
        if key is not None:
            action.setShortcut(QKeySequence(key))
        return action

    def _preview_menu(self) -> QMenu:
        menu = QMenu(self.preview.text(), self._window)
        menu.addActions([self.preview_a, self.preview_b])
        menu.addSeparator()
        menu.addAction(self.visible_only)
        return menu

    def _tell(self) -> None:
        """Tool tips of the actions that are buttons, too."""
        tips = {
            self.preview: self.tr("Restore the part from in to out, or a few frames from here, to look at (F5)"),
            self.restore: self.tr("Restore all waiting clips (Ctrl+Return)"),
            self.pause: self.tr("Wait after the next tile and free the device's memory (F6)"),
            self.cancel: self.tr("Stop after the next tile; what is done is kept (Ctrl+.)"),
            self.stop: self.tr("End the engine at once; finished steps are kept (Ctrl+Shift+.)"),
        }
        for action, tip in tips.items():
            action.setToolTip(tip)
            action.setStatusTip(tip)

    def appearance_menu(self, current: Appearance, choose: Callable[[Appearance], None], parent: QMenu) -> QMenu:
        """Light, dark or like the system."""
        texts = {"system": self.tr("Like the &system"), "light": self.tr("&Light"), "dark": self.tr("&Dark")}
        menu = parent.addMenu(self.tr("&Appearance"))
        group = QActionGroup(menu)
        for appearance in APPEARANCES:
            action = menu.addAction(texts[appearance])
            action.setCheckable(True)
            action.setChecked(appearance == current)
            action.triggered.connect(lambda _checked, chosen=appearance: choose(chosen))
            group.addAction(action)
        return menu

    def language_menu(self, current: str, choose: Callable[[str], None], parent: QMenu) -> QMenu:
        """The languages by their own names."""
        menu = parent.addMenu(self.tr("&Language"))
        group = QActionGroup(menu)
        for code, name in {"": self.tr("Like the &system"), **LANGUAGES}.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(code == current)
            action.triggered.connect(lambda _checked, chosen=code: choose(chosen))
            group.addAction(action)
        return menu

    def fill_recent(
        self, menu: QMenu, recent: list[Path], opened: Callable[[list[Path]], object], forget: Callable[[], object]
    ) -> None:
        """List the recent clips."""
        menu.clear()
        for number, path in enumerate(recent, 1):
            action = menu.addAction(f"&{number % 10} {shortened(path)}")
            action.triggered.connect(lambda _checked, path=path: opened([path]))
        menu.addSeparator()
        menu.addAction(self.tr("&Forget these"), forget)
        menu.setEnabled(bool(recent))
