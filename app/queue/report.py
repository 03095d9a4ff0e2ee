"""The report panel: the facts of a finished run."""

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QPushButton, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.widgets.engine_words import engine_words
from app.widgets.formats import amount, clock_time, length
from app.widgets.plain import plain_label

Facts = Mapping[str, Any]


class ReportPanel(QWidget):
    """A table of facts, with the times and settings folded into branches.

    Attributes:
        tree: the table.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report: Facts = {}
        self.title = plain_label()
        self.title.setWordWrap(True)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName(self.tr("Report"))
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.copy_button = QPushButton(self.tr("Copy as JSON"))
        self.copy_button.clicked.connect(self.copy)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.copy_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addLayout(top)
        column.addWidget(self.tree, 1)
        self.show_nothing()

    def show_nothing(self) -> None:
        """Say how there is something to show."""
        self.show_report(self.tr("Choose a restored clip in the queue."), {})

    def show_report(self, title: str, report: Facts) -> None:
        """Show the facts of a run, or no facts and why."""
        if (title, report) == (self.title.text(), self._report):
            return  # what is unfolded stays so
        self._report = report
        self.title.setText(title)
        self.copy_button.setEnabled(bool(report))
        self.tree.clear()
        for name, value in report.items():
            # of a clip without sound there is no offset to tell
            if not isinstance(value, Mapping) or any(each is not None for each in value.values()):
                self._add(name, value).setExpanded(name == "seconds")

    def copy(self) -> None:
        """Put the report on the clipboard."""
        QGuiApplication.clipboard().setText(json.dumps(self._report, indent=2, ensure_ascii=False))

    def _add(self, name: str, value: Any) -> QTreeWidgetItem:
        branch = isinstance(value, Mapping)
        item = QTreeWidgetItem(self.tree, [self._label(name), self._total(name, value) if branch else self._text(name, value)])
        for key, each in value.items() if branch else ():
            text = f"{each:.1f} s" if name == "seconds" else str(each)
            QTreeWidgetItem(item, [self._phase(key) if name == "seconds" else str(key), text])
        return item

    def _total(self, name: str, values: Mapping[str, Any]) -> str:
        return clock_time(sum(values.values())) if name == "seconds" else ""

    def _text(self, name: str, value: Any) -> str:
        if value is None or value == []:
            return self.tr("none")
        if isinstance(value, bool):
            return self.tr("yes") if value else self.tr("no")
        if name == "notes":
            return "\n".join(map(engine_words, value))
        if name.endswith("_share"):
            return f"{value:.0%}"
        if name.endswith(("_memory", "_bytes")):
            return amount(value)
        if name.endswith("_seconds"):
            return clock_time(value)
        if name == "duration":
            return length(value)
        if name.endswith("_size"):
            return "×".join(map(str, value))
        return (
            "\n".join(map(str, value))
            if isinstance(value, list | tuple)
            else f"{value:,}"
            if isinstance(value, int)
            else str(value)
        )

    def _phase(self, name: str) -> str:
        """A phase in words."""
        names = {
            "load": self.tr("Loading the model"),
            "analyse": self.tr("Detecting shots"),
            "encode": self.tr("Encoding into latents"),
            "sample": self.tr("Sampling"),
            "decode": self.tr("Decoding into frames"),
            "write": self.tr("Writing"),
            "publish": self.tr("Finishing the file"),
        }
        return names.get(name, name)

    def _label(self, name: str) -> str:
        """A fact's name for users; an unknown fact keeps the engine's name."""
        labels = {
            "source": self.tr("Clip"),
            "target": self.tr("Result"),
            "frames_in": self.tr("Frames in"),
            "frames_out": self.tr("Frames out"),
            "input_size": self.tr("Size in"),
            "reduced_size": self.tr("Size restored from"),
            "output_size": self.tr("Size out"),
            "result_bytes": self.tr("Size of the file"),
            "duration": self.tr("Duration"),
            "segments": self.tr("Segments"),
            "shots": self.tr("Shots"),
            "audio_offset_ms": self.tr("Audio offset in milliseconds"),
            "seam_score": self.tr("Seams (1: no seams)"),
            "joins": self.tr("Joins of segments"),
            "join_score": self.tr("Change at joins (1 is as elsewhere)"),
            "join_rank": self.tr("Rank of joins among all changes"),
            "output": self.tr("Output settings"),
            "resumed": self.tr("Resumed from an earlier run"),
            "model": self.tr("Files of the model (SHA-256)"),
            "writing_seconds": self.tr("Time of writing, beside the rest"),
            "waiting_share": self.tr("Share of time waiting for the video"),
            "evaluations": self.tr("Network evaluations"),
            "seconds": self.tr("Time per phase"),
            "network_seconds": self.tr("Time in the network"),
            "peak_memory": self.tr("Peak memory"),
            "suspicious_frames": self.tr("Black or damaged frames"),
            "repeated_frames": self.tr("Frames shown again, not restored"),
            "settings": self.tr("Settings"),
            "device": self.tr("Device"),
            "engine": self.tr("Engine"),
            "notes": self.tr("Notes"),
        }
        return labels.get(name, name.replace("_", " "))
