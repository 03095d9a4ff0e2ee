"""The first steps: what the program does, which model to use, and a first clip."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.help.gpu import GpuState, gpu_state
from app.system.background_work import BackgroundWork
from app.widgets.drops import accept_copy, local_paths
from dcvsr_engine.resources import resource

WELCOME_WIDTH = 600
TITLE_SIZE = 1.5
DROP_HEIGHT = 150


class DropArea(QLabel):
    """A framed place to drop files on; the dialog around it takes them."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame around the text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.PlaceholderText), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 12, 12)
        painter.end()
        super().paintEvent(event)


class Page(QWidget):
    """One step: a title, a text, and more widgets."""

    def __init__(self, title: str, text: str, parts: Sequence[QWidget]) -> None:
        super().__init__()
        self.title = QLabel(title)
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * TITLE_SIZE)
        self.title.setFont(font)
        self.text = QLabel(text)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for part in (self.title, self.text, *parts):
            column.addWidget(part)
            if isinstance(part, QLabel):
                part.setWordWrap(True)
        column.addStretch(1)

    @property
    def spoken(self) -> str:
        """What a screen reader says when the step comes up."""
        return f"{self.title.text()}. {self.text.text()}"


def row_of(*buttons: QPushButton) -> QWidget:
    """Buttons side by side."""
    place = QWidget()
    row = QHBoxLayout(place)
    row.setContentsMargins(0, 0, 0, 0)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return place


class WelcomeDialog(QDialog):
    """Three steps; every one can be skipped, and clips can be dropped on any.

    Attributes:
        pages: the steps.
        state: GPU and build, once they are known.
        next_button, back_button, skip_button: the way through them.
        models_button, gpu_button, choose_button, sample_button: what can be done on the way.

    Signals:
        models_requested, gpu_requested, clips_requested, sample_requested: the buttons were pressed.
        clips_dropped: paths of files and folders.
    """

    models_requested = Signal()
    gpu_requested = Signal()
    clips_requested = Signal()
    sample_requested = Signal()
    clips_dropped = Signal(list)

    def __init__(self, uses_gpu: bool, parent: QWidget | None = None) -> None:
        """``uses_gpu``: whether the engine uses a GPU already."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self._uses_gpu = uses_gpu
        self.state: GpuState | None = None
        self.models_button = self._leaving(self.tr("&Models…"), self.models_requested.emit)
        self.gpu_button = self._leaving(self.tr("Use my &GPU…"), self.gpu_requested.emit)
        self.gpu_button.hide()
        self.choose_button = self._leaving(self.tr("C&hoose clips…"), self.clips_requested.emit)
        self.sample_button = self._leaving(self.tr("&Try the sample clip"), self.sample_requested.emit)
        self.gpu_text = QLabel(self.tr("Looking for a GPU …"))
        self.stack = QStackedWidget()
        self.pages = [self._what_it_does(), self._which_model(), self._a_clip()]
        for page in self.pages:
            self.stack.addWidget(page)
        self.place = QLabel()
        self.skip_button = QPushButton(self.tr("&Skip"))
        self.back_button = QPushButton(self.tr("&Back"))
        self.next_button = QPushButton()
        self.next_button.setDefault(True)
        self.skip_button.clicked.connect(self.reject)
        self.back_button.clicked.connect(lambda: self.show_page(self.stack.currentIndex() - 1))
        self.next_button.clicked.connect(self._go_on)
        buttons = QHBoxLayout()
        buttons.addWidget(self.skip_button)
        buttons.addStretch(1)
        buttons.addWidget(self.place)
        buttons.addStretch(1)
        buttons.addWidget(self.back_button)
        buttons.addWidget(self.next_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(16)
        column.addWidget(self.stack, 1)
        # on every step: whoever does not want to read begins
        column.addWidget(row_of(self.choose_button, self.sample_button))
        column.addLayout(buttons)
        self.setFixedWidth(WELCOME_WIDTH)
        self.show_page(0)
        # asking the driver may take seconds
        self._looking = BackgroundWork("", gpu_state, self)
        self._looking.succeeded.connect(self._show_gpu)
        self._looking.start()

    def _leaving(self, text: str, then: Callable[[], object]) -> QPushButton:
        """A button that closes the dialog and has the window do something."""
        button = QPushButton(text)
        button.setAutoDefault(False)
        # closed first: what follows may open another dialog
        button.clicked.connect(self.accept)
        button.clicked.connect(lambda _checked: then())
        return button

    # -- steps --------------------------------------------------------------------------------------------------

    def _what_it_does(self) -> Page:
        picture = QLabel()
        picture.setPixmap(self._picture())
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        picture.setAccessibleName(self.tr("A frame of the sample clip, enlarged four times, and the same frame restored."))
        text = self.tr(
            "Drop in an old, small or compressed video and get it back larger and sharper, with its audio in sync. "
            "Everything is computed on this computer; nothing is sent anywhere."
        )
        caption = QLabel(self.tr("Left: the sample clip, enlarged four times. Right: restored by the built-in model."))
        caption.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.picture = picture
        return Page(self.tr("Make videos larger and sharper"), text, [picture, caption])

    def _picture(self) -> QPixmap:
        """The README's picture, as wide as the dialog."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(str(resource("pictures", "sample.jpg")))
        picture = picture.scaledToWidth(round((WELCOME_WIDTH - 40) * ratio), Qt.TransformationMode.SmoothTransformation)
        picture.setDevicePixelRatio(ratio)
        return picture

    def _which_model(self) -> Page:
        text = self.tr(
            "The compact model is built in and selected: it needs no download and no GPU. "
            "The full network of the paper is far larger, needs an NVIDIA GPU, and has a licence that you must accept first; "
            "it is available under Models…"
        )
        return Page(self.tr("Which model"), text, [self.gpu_text, row_of(self.models_button, self.gpu_button)])

    def _a_clip(self) -> Page:
        area = DropArea(self.tr("Drop a video here"))
        area.setAlignment(Qt.AlignmentFlag.AlignCenter)
        area.setMinimumHeight(DROP_HEIGHT)
        text = self.tr(
            "Look at a few frames first with Preview segment, then press Restore. The result is put beside the clip, which is "
            "not changed. Help ▸ First steps shows this again."
        )
        return Page(self.tr("A first clip"), text, [area])

    def _show_gpu(self, state: object) -> None:
        assert isinstance(state, GpuState)
        self.state = state
        if state.gpu is None:
            self.gpu_text.setText(self.tr("There is no NVIDIA GPU with a driver in this computer: stay with the compact model."))
            return
        in_use = self._uses_gpu or state.build is not None
        text = self.tr("This GPU is used: {gpu}.") if in_use else self.tr("This computer has a GPU that is not used yet: {gpu}.")
        self.gpu_text.setText(text.format(gpu=state.gpu.name))
        self.gpu_button.setVisible(not in_use)

    # -- the way through ----------------------------------------------------------------------------------------

    def show_page(self, number: int) -> None:
        """Go to a step."""
        last = len(self.pages) - 1
        self.stack.setCurrentIndex(number)
        place = self.tr("{number} of {count}").format(number=number + 1, count=last + 1)
        self.place.setText(place)
        self.setWindowTitle(self.tr("First steps") + f" – {place}")
        self.back_button.setEnabled(number > 0)
        self.skip_button.setVisible(number < last)
        self.next_button.setText(self.tr("&Next") if number < last else self.tr("&Close"))
        # this button has the focus: so a screen reader reads the step
        self.next_button.setAccessibleDescription(self.pages[number].spoken)
        self.next_button.setFocus()

    def _go_on(self) -> None:
        if self.stack.currentIndex() == len(self.pages) - 1:
            self.accept()
        else:
            self.show_page(self.stack.currentIndex() + 1)

    # -- window -------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped on any step."""
        if local_paths(event.mimeData()):
            accept_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Begin with the dropped files, once the drop is over: Qt crashes on X11 when its window closes meanwhile."""
        accept_copy(event)
        QTimer.singleShot(0, self, partial(self._begin_with, local_paths(event.mimeData())))

    def _begin_with(self, paths: list[Path]) -> None:
        self.accept()
        self.clips_dropped.emit(paths)

    def event(self, event: QEvent) -> bool:
        """Follow the dialog to a screen with another pixel density."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.picture.setPixmap(self._picture())
        return super().event(event)

    def done(self, result: int) -> None:
        """Wait until the GPU has been looked up."""
        self._looking.stop()
        super().done(result)
