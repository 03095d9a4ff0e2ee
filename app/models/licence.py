"""Licences to accept before a download, and the token that a hub may require."""

import re
from collections.abc import Callable, Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QTextBrowser, QVBoxLayout, QWidget

from app.widgets.formats import amount
from app.widgets.plain import plain_buttons
from app.widgets.words import words
from dcvsr_engine.models.catalogue import CatalogueEntry

# Ends with a letter or digit: the full stop of a sentence is not part of an address.
ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./-]*\w)?")


def with_links(text: str) -> str:
    """A text as HTML in which addresses can be clicked."""
    return ADDRESS.sub(lambda match: f"<a href='{match[0]}'>{match[0]}</a>", escape(text))


class LicenceDialog(QDialog):
    """Shows what is downloaded under which terms; the download begins only when they are accepted.

    Attributes:
        accept_box: must be ticked.
        buttons: *Download* and *Cancel*.
    """

    def __init__(self, entries: Sequence[CatalogueEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Licence"))
        text = QTextBrowser()
        text.setAccessibleName(self.tr("Licence"))
        text.setOpenExternalLinks(True)
        text.setHtml("<hr>".join(self._html(entry) for entry in entries))
        one, both = self.tr("I have read the licence and accept it"), self.tr("I have read both licences and accept them")
        self.accept_box = QCheckBox(one if len(entries) == 1 else both)
        self.buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel))
        self.download_button = self.buttons.addButton(self.tr("Download"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.download_button.setEnabled(False)
        self.accept_box.toggled.connect(self.download_button.setEnabled)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (text, self.accept_box, self.buttons):
            column.addWidget(part)
        self.resize(560, 420)

    def _html(self, entry: CatalogueEntry) -> str:
        size = self.tr("About {size} are downloaded from {place}.").format(size=amount(entry.size), place=entry.repository)
        parts = [
            f"<p><b>{escape(words(entry.title))}</b></p>",
            f"<p>{escape(words(entry.summary))}</p>",
            f"<p>{escape(size)} {escape(words(entry.repository_note))}</p>",
            f"<p><b>{escape(self.tr('Licence: {name}').format(name=words(entry.licence)))}</b></p>",
            f"<p>{escape(words(entry.licence_summary))}</p>",
            f"<p><a href='{escape(entry.licence_url)}'>{escape(entry.licence_url)}</a></p>",
        ]
        return "".join(parts)


class TokenDialog(QDialog):
    """Asks for the token that identifies the user to the hub.

    Attributes:
        field: shows dots.
    """

    def __init__(self, reason: str, keeps: bool, then: Callable[[str], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Access token"))
        kept = self.tr("It is kept in the system's keyring and nowhere else.")
        not_kept = self.tr("This system has no keyring, so it is used until the program ends and is not kept.")
        label = QLabel(f"<p>{with_links(reason)}</p><p>{escape(kept if keeps else not_kept)}</p>")
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        label.setOpenExternalLinks(True)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setAccessibleName(self.tr("Access token"))
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel))
        ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(False)
        self.field.textChanged.connect(lambda text: ok.setEnabled(bool(text.strip())))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: then(self.field.text().strip()))
        column = QVBoxLayout(self)
        for part in (label, self.field, buttons):
            column.addWidget(part)
        self.setMinimumWidth(480)
