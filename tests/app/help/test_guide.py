"""Help ▸ Guide: complete in every language, offline, and with pictures that are there."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QPoint, QUrl
from PySide6.QtGui import QTextDocument

from app.help.guide import GuideDialog
from app.system.translation import LANGUAGES
from dcvsr_engine.resources import resource

MOST_BYTES = 600_000


@pytest.fixture(params=LANGUAGES)
def guide(request, qtbot):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    dialog = GuideDialog()
    dialog.show()
    yield dialog
    dialog.reject()
    QLocale.setDefault(before)


def test_it_lists_its_parts_and_goes_to_them(guide, qtbot):
    assert guide.contents.count() == 9
    for row in (8, 2):
        guide.contents.setCurrentRow(row)
        shown = guide.text.cursorForPosition(QPoint(30, 20)).block()
        wanted = guide.contents.item(row).text()
        at_end = guide.text.verticalScrollBar().value() == guide.text.verticalScrollBar().maximum()
        assert shown.text() == wanted or at_end


def test_every_picture_of_it_is_found_and_described(guide):
    document, path = guide.text.document(), resource("guide")
    text = guide.text.source().toLocalFile()
    pictures = re.findall(r"!\[(.+?)\]\((.+?)\)", Path(text).read_text(encoding="utf-8"))
    assert len({name for _, name in pictures}) >= 7
    for _, name in pictures:
        image = document.resource(QTextDocument.ResourceType.ImageResource, QUrl(name))
        assert (path / name).is_file() and not image.isNull(), name


def test_it_shows_no_marks_of_markdown(guide):
    text = guide.text.toPlainText()
    assert "*" not in text and "](" not in text and len(text) > 1500


def test_it_is_small():
    assert sum(path.stat().st_size for path in resource("guide").iterdir()) < MOST_BYTES


def test_the_guides_name_what_is_in_the_window(open_window):
    """Every menu entry that the English guide sends the reader to is there."""
    window = open_window(start=False)
    texts = {action.text().replace("&", "") for menu in window.menuBar().actions() for action in menu.menu().actions()}
    texts |= {text.removesuffix("…") for text in texts}
    guide = resource("guide", "en.md").read_text(encoding="utf-8")
    entries = re.findall(r"\*(?:File|Edit|Job|Devices|Help)\s▸\s([^*]+)\*", guide.replace("\n", " ").replace("  ", " "))
    assert len(entries) >= 8
    for entry in entries:
        assert entry in texts, entry


def test_f1_opens_it_beside_the_window_once(open_window):
    window = open_window(start=False)
    action = window.action_table["guide"]
    assert action.shortcut().toString() == "F1"
    action.trigger()
    guide = window.help.guide
    assert guide.isVisible() and not guide.isModal()
    action.trigger()
    assert window.help.guide is guide
    guide.reject()
    assert window.help.guide is None
