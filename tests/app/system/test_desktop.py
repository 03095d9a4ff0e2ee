import os
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from app.system.desktop import Notifier, app_icon, folder_command, local_url, reveal_folder, show_in_folder


class Opener(QObject):
    """Takes the place of the file manager."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toLocalFile())


def test_file_managers_are_asked_to_select_the_file():
    path = Path("/films/a b.mp4")
    assert folder_command(path, "win32") == ["explorer", "/select,", str(path)]
    assert folder_command(path, "darwin") == ["open", "-R", str(path)]
    assert folder_command(path, "linux") == []


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_addresses_hold_the_bytes_of_a_name():
    url = local_url(Path(os.fsdecode(b"/clips/caf\xe9 \xc3\xa9.mp4")))
    assert bytes(url.toEncoded().data()) == b"file:///clips/caf%E9%20%C3%A9.mp4"


def test_without_one_the_folder_is_opened(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("app.system.desktop.folder_command", lambda path: [])
    monkeypatch.setattr("app.system.file_manager.select_file", lambda path, otherwise: otherwise())
    opener = Opener()
    QDesktopServices.setUrlHandler("file", opener, "open")
    show_in_folder(tmp_path / "a.mp4")
    show_in_folder(tmp_path)
    QDesktopServices.unsetUrlHandler("file")
    assert opener.opened == [str(tmp_path), str(tmp_path)]


def test_without_any_program_for_folders_the_place_is_told(qtbot, tmp_path, monkeypatch):
    window = QWidget()
    qtbot.addWidget(window)
    monkeypatch.setattr("app.system.desktop.open_file", lambda path: False)
    monkeypatch.setattr(QApplication, "activeWindow", lambda: window)
    reveal_folder(tmp_path / "models")
    (box,) = window.findChildren(QMessageBox)
    assert box.informativeText() == str(tmp_path / "models") and "shows folders" in box.text()


def test_telling_without_a_tray_does_no_harm(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    notifier = Notifier(window)
    notifier.notify("Title", "Text")
    notifier.stop()


def test_the_icon_is_there(qapp):
    assert not app_icon().pixmap(64).isNull()
