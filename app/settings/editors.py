"""Editors for one setting each: slider with numeric field, list of choices, check box; and a row that frames them."""

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPalette, QPolygon, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionSlider,
    QStylePainter,
    QToolButton,
    QWidget,
)

from app.settings.specs import Spec
from app.widgets.appearance import color_text, tones
from app.widgets.engine_words import engine_words
from app.widgets.plain import plain_label
from app.widgets.words import words
from dcvsr_engine.settings import Settings

POSITIONS = 1000
"""Resolution of a slider."""

LARGE = 2.0**31
LABEL_WIDTH = 104
FIELD_WIDTH = 74
TEXT_MARGIN = 4
SLIDER_HEIGHT = 26
"""Includes the mark below the handle."""
HISTORY_KEYS = QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo
ARROW_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}


class WheelGuard(QObject):
    """Lets the wheel scroll the panel, not change a value that happens to be under the pointer."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ignore the wheel on a control without focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            # an ignored event goes on to the panel, which scrolls
            event.ignore()
            return True
        return False

    def watch(self, *widgets: QWidget) -> None:
        """Guard these controls, which get the focus by click or Tab only."""
        for widget in widgets:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self)


class MarkedSlider(QSlider):
    """A slider with a mark below its groove, moved by arrow keys in the steps of its setting.

    Attributes:
        stepped: how many steps an arrow key asks for.
        paged: 1 or -1 when the groove is clicked, or a page key pressed.
    """

    stepped = Signal(int)
    paged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, POSITIONS)
        self.setPageStep(POSITIONS // 10)
        self.setMinimumHeight(SLIDER_HEIGHT)
        self._mark: int | None = None
        self.actionTriggered.connect(self._on_action)

    def _on_action(self, action: int) -> None:
        """A page is a number of the setting's steps, not of the slider's positions."""
        directions = {self.SliderAction.SliderPageStepAdd.value: 1, self.SliderAction.SliderPageStepSub.value: -1}
        if action in directions:
            # take back the slider's own idea of a page
            self.setSliderPosition(self.value())
            self.paged.emit(directions[action])

    def set_mark(self, position: int | None) -> None:
        """Where the mark is, or none."""
        self._mark = position
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys step the setting, whatever the slider's resolution."""
        key = Qt.Key(event.key())
        if key in ARROW_STEPS:
            self.stepped.emit(ARROW_STEPS[key])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slider, and a small triangle that points at the mark."""
        super().paintEvent(event)
        if self._mark is None:
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = (
            self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self).width()
        )
        span = self.width() - handle
        x = handle // 2 + QStyle.sliderPositionFromValue(0, POSITIONS, self._mark, span, self.isRightToLeft())
        bottom = self.height() - 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawPolygon(QPolygon([QPoint(x - 3, bottom), QPoint(x + 3, bottom), QPoint(x, bottom - 5)]))


class NumberField(QDoubleSpinBox):
    """A numeric field that takes any number when typed, so that a wrong one can be explained, but steps within the range."""

    def __init__(self, spec: Spec, low: float | None, high: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low = -LARGE if low is None else low
        self._high = LARGE if high is None else high
        self.setRange(-LARGE, LARGE)
        self.setDecimals(spec.decimals)
        self.setSingleStep(spec.step)
        self.setSuffix(spec.suffix)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFixedWidth(FIELD_WIDTH)
        self.setKeyboardTracking(False)  # a number counts when it is complete: 500 is not 5, then 50

    def stepBy(self, steps: int) -> None:
        """Up or down, not beyond the allowed range."""
        self.setValue(min(self._high, max(self._low, self.value() + steps * self.singleStep())))

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the window, once the number is complete."""
        is_complete = self.cleanText() == self.textFromValue(self.value())
        if isinstance(event, QKeyEvent) and asks_for_history(event) and is_complete:
            event.ignore()
            return True
        return super().event(event)

    def sizeHint(self) -> QSize:
        """As wide as its column; the range says nothing about that."""
        return QSize(FIELD_WIDTH, super().sizeHint().height())


def asks_for_history(event: QKeyEvent) -> bool:
    """Whether a control is asked if it wants the keys of undo or redo for itself."""
    return event.type() == QEvent.Type.ShortcutOverride and any(map(event.matches, HISTORY_KEYS))


class NumberEditor(QWidget):
    """Slider and numeric field for one number.

    Attributes:
        changed: the number, as typed or dragged, even if it is not allowed.
    """

    changed = Signal(object)

    def __init__(self, spec: Spec, whole: bool, low: float | None, high: float | None, guard: WheelGuard) -> None:
        super().__init__()
        self._spec, self._whole = spec, whole
        self._low, self._high = low or 0.0, high if high is not None else 1.0
        self.slider = MarkedSlider(self) if spec.slider else None
        self.field = NumberField(spec, low, high, self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        if self.slider:
            grid.addWidget(self.slider, 0, 0)
            self.slider.valueChanged.connect(self._on_slider)
            self.slider.stepped.connect(self.field.stepBy)
            self.slider.paged.connect(self._on_page)
            self.slider.sliderReleased.connect(lambda: self._show_on_slider(self.field.value()))
            guard.watch(self.slider)
        if spec.ends:
            grid.addLayout(ends_of(spec.ends), 1, 0)
        grid.addWidget(self.field, 0, 1)
        guard.watch(self.field)
        self.field.valueChanged.connect(self._on_field)
        self.setFocusProxy(self.field)

    def set_value(self, value: float) -> None:
        """Show a number without emitting `changed`."""
        with QSignalBlocker(self.field):
            # not when it is there already: it would be written anew under the user's hands
            if self._number(self.field.value()) != value or not self.field.text():
                self.field.setValue(value)
        self._show_on_slider(value)

    def set_default(self, value: float | None) -> None:
        """Mark the default."""
        if self.slider:
            self.slider.set_mark(None if value is None else self._position(value))

    def name(self, text: str) -> None:
        """What a screen reader calls the controls."""
        self.field.setAccessibleName(text)
        if self.slider:
            self.slider.setAccessibleName(text)

    def _number(self, value: float) -> float:
        return round(value) if self._whole else round(value, self._spec.decimals)

    def _position(self, value: float) -> int:
        share = (value - self._low) / (self._high - self._low)
        return round(POSITIONS * math.pow(min(1.0, max(0.0, share)), 1 / self._spec.bend))

    def _show_on_slider(self, value: float) -> None:
        # a handle that is being dragged does not jump to whole steps
        if self.slider and not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self.slider.setValue(self._position(value))

    def _on_slider(self, position: int) -> None:
        value = self._low + (self._high - self._low) * (position / POSITIONS) ** self._spec.bend
        steps = round((value - self._low) / self._spec.step)
        self.field.setValue(min(self._high, self._low + steps * self._spec.step))
        self._show_on_slider(self.field.value())

    def _on_page(self, direction: int) -> None:
        """Go a tenth of the slider further, and one step at least."""
        assert self.slider
        place = min(POSITIONS, max(0, self._position(self.field.value()) + direction * self.slider.pageStep()))
        before = self.field.value()
        self._on_slider(place)
        if self.field.value() == before:
            self.field.stepBy(direction)

    def _on_field(self, value: float) -> None:
        self._show_on_slider(value)
        self.changed.emit(self._number(value))


def ends_of(texts: tuple[str, str]) -> QHBoxLayout:
    """Words below the two ends of a slider."""
    row = QHBoxLayout()
    for text in texts:
        label = QLabel(words(text))
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        row.addWidget(label)
    row.insertStretch(1)
    return row


class ChoiceEditor(QComboBox):
    """A list of choices, each with a value.

    Attributes:
        changed: the chosen value.
    """

    changed = Signal(object)

    def __init__(self, choices: Mapping[Any, str], guard: WheelGuard) -> None:
        super().__init__()
        for value, text in choices.items():
            self.addItem(words(text), value)
        # a long choice must not widen the panel
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.currentIndexChanged.connect(lambda index: self.changed.emit(self.itemData(index)))
        guard.watch(self)

    @property
    def shown_text(self) -> str:
        """The chosen text, shortened where there is too little room for it."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room.width() - TEXT_MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the box; by itself Qt would cut its text off."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_text
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def allow(self, value: Any, able: bool, reason: str = "") -> None:
        """Let a value of the list be chosen or not, for a ``reason``."""
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        model.item(self.findData(value)).setEnabled(able)
        self.setItemData(self.findData(value), reason, Qt.ItemDataRole.ToolTipRole)

    def offer(self, value: Any, text: str) -> None:
        """Show a value under a text; one that is not in the list is added."""
        if self.findData(value) < 0:
            with QSignalBlocker(self):
                self.addItem(text, value)
        self.setItemText(self.findData(value), text)

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `changed`; a value that is not in the list is added."""
        with QSignalBlocker(self):
            if self.findData(value) < 0:
                self.addItem(str(value), value)
            self.setCurrentIndex(self.findData(value))

    def set_default(self, value: Any) -> None:
        """Set the default's text in bold in the list."""
        for index in range(self.count()):
            font = self.font()
            font.setBold(self.itemData(index) == value)
            self.setItemData(index, font, Qt.ItemDataRole.FontRole)

    def name(self, text: str) -> None:
        """What a screen reader calls the list."""
        self.setAccessibleName(text)


class FreeChoiceEditor(ChoiceEditor):
    """A list of choices into which another value can be typed, as ``1920x1080``."""

    def __init__(self, choices: Mapping[Any, str], guard: WheelGuard) -> None:
        super().__init__(choices, guard)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)  # type: ignore[arg-type]  # PySide6 does not say that there may be none
        line = self.lineEdit()
        assert line is not None
        line.editingFinished.connect(self._on_typed)

    def _on_typed(self) -> None:
        """Take what was typed: a choice by its words, or a value, which may be a wrong one."""
        text = self.currentText().strip()
        if text == self.itemText(self.currentIndex()):
            return
        chosen = self.findText(text, Qt.MatchFlag.MatchFixedString)
        self.changed.emit(self.itemData(chosen) if chosen >= 0 else text)

    def set_value(self, value: Any) -> None:
        """Show a value; the text too where another was typed."""
        super().set_value(value)
        self.setEditText(self.itemText(self.currentIndex()))
        line = self.lineEdit()
        assert line is not None
        line.home(False)  # where there is too little room, its beginning is seen

    def name(self, text: str) -> None:
        """What a screen reader calls list and text."""
        super().name(text)
        line = self.lineEdit()
        assert line is not None
        line.setAccessibleName(text)


class FlagEditor(QCheckBox):
    """A check box.

    Attributes:
        changed: whether it is checked.
    """

    changed = Signal(object)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.toggled.connect(self.changed.emit)

    def set_value(self, value: bool) -> None:
        """Show a value without emitting `changed`."""
        with QSignalBlocker(self):
            self.setChecked(value)

    def set_default(self, value: bool) -> None:
        """A check box shows its default by the reset button only."""

    def name(self, text: str) -> None:
        """What a screen reader calls the box."""
        self.setAccessibleName(text)


Editor = NumberEditor | ChoiceEditor | FlagEditor


def editor_for(owner: type[Settings], name: str, spec: Spec, guard: WheelGuard) -> Editor:
    """The editor that fits a setting's type."""
    setting = owner.specs()[name]
    if spec.choices:
        return (FreeChoiceEditor if spec.free else ChoiceEditor)(spec.choices, guard)
    if setting.kind is bool:
        return FlagEditor(words(spec.label))
    return NumberEditor(spec, setting.kind is int, setting.low, setting.high, guard)


class SettingRow(QWidget):
    """One setting: label, editor, reset, and a line for what is wrong with the value.

    Attributes:
        edited: the setting's name and a value that may not be allowed; ``None`` for the model's default.
        name: the setting's name.
        editor: what it is edited with.
    """

    edited = Signal(str, object)

    def __init__(self, owner: type[Settings], name: str, spec: Spec, guard: WheelGuard) -> None:
        super().__init__()
        self.name = name
        self._nullable = owner.specs()[name].nullable and None not in spec.choices
        self._default: Any = None
        self.editor = editor_for(owner, name, spec, guard)
        self.editor.changed.connect(self._on_edit)
        self._label = label = words(spec.label)
        self._doc = words(owner.specs()[name].doc)
        self.editor.name(label)
        self.setToolTip(self._doc)
        self.reset = QToolButton()
        self.reset.setText("↺")
        self.reset.setAutoRaise(True)
        self.reset.setToolTip(self.tr("Reset to the default"))
        self.reset.setAccessibleName(self.tr("Reset {setting}").format(setting=label))
        policy = self.reset.sizePolicy()
        # the fields of all rows end at the same place
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.reset.clicked.connect(self._on_reset)
        self.problem = plain_label()
        self.problem.setWordWrap(True)
        self.problem.hide()
        self._lay_out(label, spec)

    def _lay_out(self, label: str, spec: Spec) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        if isinstance(self.editor, FlagEditor):
            grid.addWidget(self.editor, 0, 0, 1, 2)
        else:
            caption = QLabel(label)
            caption.setWordWrap(True)
            caption.setFixedWidth(LABEL_WIDTH)
            caption.setBuddy(self.editor)
            if spec.ends:
                # beside the slider, not the words below it
                caption.setFixedHeight(SLIDER_HEIGHT)
            grid.addWidget(caption, 0, 0, Qt.AlignmentFlag.AlignTop if spec.ends else Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(self.editor, 0, 1)
        grid.addWidget(self.reset, 0, 2, Qt.AlignmentFlag.AlignTop if spec.ends else Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.problem, 1, 0, 1, 3)

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value (``None``: the default) and where the default is."""
        self._default = default
        self.editor.set_default(default)
        self.editor.set_value(default if value is None and self._nullable else value)
        self.reset.setVisible(value not in ((None, default) if self._nullable else (default,)))
        self.show_problem("")

    def set_idle(self, reason: str) -> None:
        """Disable a setting that has no effect now and say why; with an empty reason it has one."""
        self.setEnabled(not reason)
        self.setToolTip(f"{reason}\n{self._doc}" if reason else self._doc)
        self.editor.setAccessibleDescription(self.toolTip())

    def show_problem(self, text: str) -> None:
        """Say what is wrong with the value; nothing when empty."""
        # the sentence names the setting as the command line does
        self.problem.setText(engine_words(text).replace(self.name, self._label, 1))
        self.problem.setVisible(bool(text))
        color_text(self.problem, tones(self.palette()).bad)
        self.editor.setAccessibleDescription(text or self.toolTip())

    def show_note(self, text: str) -> None:
        """Say what the value comes to; nothing when empty."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        color_text(self.problem, tones(self.palette()).quiet)

    def _on_edit(self, value: Any) -> None:
        # a value that equals the default stays open, so that another model brings its own
        self.edited.emit(self.name, None if self._nullable and value == self._default else value)

    def _on_reset(self) -> None:
        # the button is about to hide and would take the focus along
        self.editor.setFocus()
        self.edited.emit(self.name, None if self._nullable else self._default)
