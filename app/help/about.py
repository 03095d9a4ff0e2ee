"""About the program, and the licences of what it is made of."""

from collections.abc import Iterator
from importlib import metadata

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTabWidget, QTextBrowser, QVBoxLayout, QWidget

from app.system.desktop import app_icon
from app.widgets.messages import versions
from app.widgets.plain import plain_buttons
from dcvsr_engine.resources import resource

LISTED_PACKAGES = (
    "torch",
    "diffusers",
    "safetensors",
    "accelerate",
    "PySide6-Essentials",
    "av",
    "numpy",
    "platformdirs",
    "psutil",
    "pillow",
    "pydantic",
    "huggingface_hub",
    "keyring",
)
ICON_SIZE = 64


def licence_of(facts: metadata.PackageMetadata) -> str:
    """A package's licence in a few words, as it declares it."""
    if "License-Expression" in facts:
        return facts["License-Expression"]
    names = [line.rpartition(" :: ")[2] for line in facts.get_all("Classifier", []) if line.startswith("License ::")]
    return ", ".join(names) or (facts["License"].strip().partition("\n")[0] if "License" in facts else "")


def licences() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of every part that is installed with its metadata."""
    for name in LISTED_PACKAGES:
        try:
            facts = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        yield facts["Name"], facts["Version"], licence_of(facts)


class AboutDialog(QDialog):
    """Who made what, under which terms.

    Attributes:
        versions: what is copied for a report of a fault.
    """

    def __init__(self, torch: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About DC-VSR Studio"))
        self.versions = versions(torch)
        tabs = QTabWidget()
        tabs.addTab(self._about(), self.tr("About"))
        tabs.addTab(self._licences(), self.tr("Licences"))
        tabs.setAccessibleName(self.tr("About DC-VSR Studio"))
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Close))
        self.copy_button = buttons.addButton(self.tr("Copy versions"), QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.versions))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(tabs, 1)
        column.addWidget(buttons)
        self.resize(540, 380)

    def _about(self) -> QWidget:
        page = QWidget()
        picture = QLabel()
        picture.setPixmap(app_icon().pixmap(ICON_SIZE))
        text = QLabel(
            self.tr(
                "Restores and enlarges old, small or compressed videos with DC-VSR: a diffusion model that works on "
                "overlapping tiles in space and time and keeps them consistent by propagating attention between them."
            )
        )
        text.setWordWrap(True)
        source = QLabel(
            self.tr("Method: DC-VSR, SIGGRAPH 2025, arXiv 2502.03502. This program is an independent implementation.")
        )
        source.setWordWrap(True)
        facts = QLabel(self.versions)
        facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(page)
        for label in (picture, text, source, facts):
            column.addWidget(label)
        column.addStretch(1)
        return page

    def _licences(self) -> QTextBrowser:
        rows = "".join(
            "<tr>" + "".join(f"<td style='padding-right: 12px'>{cell}</td>" for cell in row) + "</tr>" for row in licences()
        )
        page = QTextBrowser()
        page.setAccessibleName(self.tr("Licences"))
        page.setOpenExternalLinks(True)
        head = self.tr("DC-VSR Studio is free software under the Apache License 2.0. It uses:")
        page.setHtml(f"<p>{head}</p><table cellpadding='2'>{rows}</table>{self._all_parts()}")
        return page

    def _all_parts(self) -> str:
        """A link to the list of everything that a bundle contains; nothing where the program is no bundle."""
        listing = resource("licences", "THIRD-PARTY.txt")
        if not listing.is_file():
            return ""
        text = self.tr("All included software with its licences")
        return f"<p><a href='{QUrl.fromLocalFile(str(listing)).toString()}'>{text}</a></p>"
