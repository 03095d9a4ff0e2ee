"""Asks when the queue is to start."""

from datetime import datetime, time, timedelta

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTimeEdit, QVBoxLayout, QWidget

from app.widgets.plain import plain_buttons


def next_moment(wanted: time, now: datetime) -> datetime:
    """The next moment at which clocks show a time: today, or tomorrow where that is past."""
    today = datetime.combine(now.date(), wanted)
    return today if today > now else today + timedelta(days=1)


class StartDialog(QDialog):
    """A time of day, and how long it is until then.

    Attributes:
        chosen: the moment, when the dialog is accepted.
        field: the time.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Start at a time"))
        label = QLabel(self.tr("Restore the waiting clips from this &time on:"))
        self.field = QTimeEdit(QTime(QTime.currentTime().addSecs(3600).hour(), 0))
        self.field.setDisplayFormat("HH:mm")  # as the bar shows it
        self.field.setAccessibleName(self.tr("Time to start at"))
        label.setBuddy(self.field)
        self.until = QLabel()
        self.until.setAccessibleName(self.tr("Time until then"))
        hint = QLabel(self.tr("The program must stay open; until then the computer is kept awake where that can be."))
        hint.setWordWrap(True)
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (label, self.field, self.until, hint, buttons):
            column.addWidget(part)
        self.field.timeChanged.connect(self._show_until)
        self.accepted.connect(lambda: self.chosen.emit(self.moment))
        self._show_until()

    @property
    def moment(self) -> datetime:
        """When the field's time comes next."""
        value = self.field.time()
        return next_moment(time(value.hour(), value.minute()), datetime.now())

    def _show_until(self) -> None:
        minutes = round((self.moment - datetime.now()).total_seconds() / 60)
        text = self.tr("today, in {hours} h {minutes} min")
        if self.moment.date() > datetime.now().date():
            text = self.tr("tomorrow, in {hours} h {minutes} min")
        self.until.setText(text.format(hours=minutes // 60, minutes=minutes % 60))
