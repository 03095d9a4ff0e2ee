"""Asks when the queue is to start."""

from datetime import datetime, time, timedelta

from PySide6.QtCore import QCoreApplication, Qt, QTime, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTimeEdit, QVBoxLayout, QWidget

from app.widgets.plain import plain_buttons

CLOCK = "HH:mm"
"""One way of writing a time of day wherever it is asked for or told: twelve hours would need their half of the day, too."""

HINT_LINES = 4


def next_moment(wanted: time, now: datetime) -> datetime:
    """The next moment at which clocks show a time: today, or tomorrow where that is past."""
    today = datetime.combine(now.date(), wanted)
    return today if today > now else today + timedelta(days=1)


def moment_words(moment: datetime, now: datetime) -> str:
    """A moment within the next day, as ``23:04 tomorrow``."""
    form = QCoreApplication.translate("StartDialog", "{time} today")
    if moment.date() > now.date():
        form = QCoreApplication.translate("StartDialog", "{time} tomorrow")
    return form.format(time=f"{moment:%H:%M}")


class StartDialog(QDialog):
    """A time of day, how long it is until then, and whether the computer is kept awake.

    Attributes:
        chosen: the moment, when the dialog is accepted.
        field: the time.
        until, hint: what that comes to, and what it needs.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Start at a time"))
        label = QLabel(self.tr("Restore the waiting clips from this &time on:"))
        self.field = QTimeEdit(QTime(QTime.currentTime().addSecs(3600).hour(), 0))
        self.field.setDisplayFormat(CLOCK)
        self.field.setAccessibleName(self.tr("Time to start at"))
        label.setBuddy(self.field)
        self.until = QLabel()
        self.until.setAccessibleName(self.tr("Time until then"))
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(HINT_LINES * self.fontMetrics().height())  # of whichever sentence it will be
        buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (label, self.field, self.until, self.hint, buttons):
            column.addWidget(part)
        self.field.timeChanged.connect(self._show_until)
        self.accepted.connect(lambda: self.chosen.emit(self.moment))
        self._show_until()
        self.show_awake(None)

    def show_awake(self, held: bool | None) -> None:
        """Say whether the computer is kept awake; ``None`` where that is not known."""
        texts = {
            None: self.tr("The program must stay open until then."),
            True: self.tr("The program must stay open; until then the computer is kept awake."),
            False: self.tr("The program must stay open. This computer cannot be kept awake: see to it that it does not sleep."),
        }
        self.hint.setText(texts[held])

    @property
    def moment(self) -> datetime:
        """When the field's time comes next."""
        value = self.field.time()
        return next_moment(time(value.hour(), value.minute()), datetime.now())

    def _show_until(self) -> None:
        moment, now = self.moment, datetime.now()
        minutes = round((moment - now).total_seconds() / 60)
        text = self.tr("{moment}, in {hours} h {minutes} min")
        self.until.setText(text.format(moment=moment_words(moment, now), hours=minutes // 60, minutes=minutes % 60))
