"""The settings panel: how the chosen clips are restored and written."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.models.declared import declared
from app.settings.devices import device_choices
from app.settings.editors import LABEL_WIDTH, ChoiceEditor, SettingRow, WheelGuard
from app.settings.effects import cfg_reason, idle_reasons, scale_for
from app.settings.gamma_curve import GammaCurve
from app.settings.presets import BUILT_IN, Presets
from app.settings.specs import CODEC_NAMES, DEVICES, OUTPUT_SPECS, RESTORE_SPECS
from app.system.result_rule import UNKNOWN, ResultRule, SourceFacts
from app.widgets.appearance import color_text, tones
from app.widgets.engine_words import engine_words
from app.widgets.messages import ask, show_error
from app.widgets.plain import plain_label, plain_tip
from app.widgets.section import CollapsibleSection
from app.widgets.step_strip import StepStrip
from app.widgets.words import words
from dcvsr_engine.diffusion.branch import is_distinct
from dcvsr_engine.diffusion.schedule import steps_of
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.models.registry import KnownModel
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import GPU_CODECS, RESEARCH_SETTINGS, OutputSettings, ResolvedSettings, RestoreSettings
from dcvsr_engine.worker.messages import DeviceFacts

SIMPLE_ROWS = ("size", "strength")
GUIDANCE_ROWS = ("steps", "guidance", "guidance_scale", "gamma_peak", "gamma_rho", "gamma_direction")
FEWER_ROWS = ("solver", "reuse", "still", "flat")
PROPAGATION_ROWS = ("sap", "sap_schedule", "sap_rate", "tap", "tap_frames", "tap_direction")
TILE_ROWS = ("tiling", "tile", "window", "overlap", "segment_frames", "order", "tile_batch")
REST_ROWS = ("reduce", "grain", "color", "seed", "precision", "device", "compile")
OUTPUT_SIMPLE_ROWS = ("codec", "crf")
OUTPUT_REST_ROWS = (
    *("preset", "bit_depth", "audio", "subtitles", "unfit_tracks", "deinterlace"),
    *("frame_rate", "picture_name", "overwrite"),
)
PRESET_DIALOG_WIDTH = 360
"""Logical pixels; by itself Qt makes it too narrow for its own title."""


class ColumnScrollArea(QScrollArea):
    """Scrolls a column up and down, and is never narrower than what is in it."""

    def __init__(self, column: QWidget) -> None:
        super().__init__()
        self._column = column
        self.setWidget(column)

    def minimumSizeHint(self) -> QSize:
        """As wide as the column and the bar."""
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self._column.minimumSizeHint().width() + bar, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See to it that a section that opens gets its width."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class SettingsPanel(QWidget):
    """Edits the settings of a `JobRequest`.

    Attributes:
        request_changed: the edited `JobRequest`, and whether the next clips start with these settings, too: a model or preset was
            chosen, or the defaults.
        rows: the `SettingRow` of every setting but the model.
        sections: the parts that can be collapsed, by key.
    """

    request_changed = Signal(object, bool)
    groups_changed = Signal(list)

    def __init__(self, presets: Presets, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets, self._last_preset = presets, ""
        self._request = JobRequest(source=Path())
        self._model = declared(self._request.settings.model)
        self._rule, self._facts = ResultRule(), UNKNOWN
        self._devices: Sequence[DeviceFacts] = ()
        self._guard = WheelGuard(self)
        self.rows: dict[str, SettingRow] = {}
        self.sections: dict[str, CollapsibleSection] = {}
        self._build()
        self.forbid_codecs(GPU_CODECS)
        self.show_request(self._request)

    # -- parts --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setSpacing(8)
        self.note = plain_label()
        self.note.setWordWrap(True)
        self.note.hide()
        self._column.addWidget(self.note)
        self._parts = QWidget()
        self._column.addWidget(self._parts)
        self._column.addStretch(1)
        parts = QVBoxLayout(self._parts)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setSpacing(8)
        parts.addLayout(self._head())
        for name in SIMPLE_ROWS:
            parts.addWidget(self._row(name))
        for name in OUTPUT_SIMPLE_ROWS:
            parts.addWidget(self._row(name))
        self.curve, self.strip = GammaCurve(), StepStrip()
        parts.addWidget(self._section("output", self.tr("Output file"), OUTPUT_REST_ROWS, self._target_row()))
        parts.addWidget(self._more())
        scroll = ColumnScrollArea(content)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _more(self) -> CollapsibleSection:
        """What the method knows, in its own words."""
        more = self._section("more", self.tr("More"), ())
        for section in (
            self._section("guidance", self.tr("Steps and guidance"), GUIDANCE_ROWS, self.curve),
            self._section("fewer", self.tr("Fewer evaluations"), FEWER_ROWS),
            self._section("propagation", self.tr("Propagation"), PROPAGATION_ROWS, self.strip),
            self._section("tiles", self.tr("Tiles and segments"), TILE_ROWS),
            self._section("rest", self.tr("Colours, seed, device"), REST_ROWS),
            self._section("research", self.tr("Research"), RESEARCH_SETTINGS),
        ):
            more.rows.addWidget(section)
        return more

    def _head(self) -> QGridLayout:
        """Model and preset."""
        self.model_box, self.preset_box = QComboBox(), QComboBox()
        self.preset_button = QToolButton()
        self.preset_button.setText("⋯")
        self.preset_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.preset_button.setAccessibleName(self.tr("Save or remove presets"))
        self.preset_button.setToolTip(self.tr("Save or remove presets"))
        menu = QMenu(self.preset_button)
        self.save_preset_action = menu.addAction(self.tr("Save as preset…"), self.ask_preset_name)
        self.remove_preset_action = menu.addAction(self.tr("Remove this preset"), self._remove_preset)
        self.preset_button.setMenu(menu)
        grid = QGridLayout()
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        for row, (text, box) in enumerate(((self.tr("M&odel"), self.model_box), (self.tr("Prese&t"), self.preset_box))):
            label = QLabel(text)
            label.setFixedWidth(LABEL_WIDTH)
            label.setBuddy(box)
            box.setAccessibleName(text.replace("&", ""))
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            self._guard.watch(box)
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        grid.addWidget(self.preset_button, 1, 2)
        # `activated` is the user's choice alone, not what is shown by the program
        self.model_box.activated.connect(lambda index: self.choose_model(self.model_box.itemData(index)))
        self.preset_box.activated.connect(lambda index: self._apply_preset(self.preset_box.itemData(index)))
        return grid

    def _row(self, name: str) -> SettingRow:
        is_output = name in OUTPUT_SPECS
        owner, spec = (OutputSettings, OUTPUT_SPECS[name]) if is_output else (RestoreSettings, RESTORE_SPECS[name])
        row = SettingRow(owner, name, spec, self._guard)
        row.edited.connect(self._edit)
        self.rows[name] = row
        return row

    def _section(self, key: str, title: str, names: Iterable[str], extra: QWidget | None = None) -> CollapsibleSection:
        section = CollapsibleSection(key, title)
        for name in names:
            section.rows.addWidget(self._row(name))
        if extra:
            section.rows.addWidget(extra)
        section.toggled.connect(lambda _: self.groups_changed.emit(self.open_groups))
        self.sections[key] = section
        return section

    def _target_row(self) -> QWidget:
        """Where the result goes."""
        self.target_field = QLineEdit()
        self.target_field.setAccessibleName(self.tr("Output file"))
        # half a path is no target
        self.target_field.editingFinished.connect(self._on_target_typed)
        self.target_button = QPushButton(self.tr("Choose…"))
        self.target_button.setAccessibleName(self.tr("Choose the output file"))
        self.target_button.clicked.connect(self.choose_target)
        self.target_problem = QLabel()
        self.target_problem.setWordWrap(True)
        self.target_problem.hide()
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.target_field, 0, 0)
        grid.addWidget(self.target_button, 0, 1)
        grid.addWidget(self.target_problem, 1, 0, 1, 2)
        return widget

    # -- what is shown ------------------------------------------------------------------------------------------

    @property
    def request(self) -> JobRequest:
        """The edited request."""
        return self._request

    @property
    def model(self) -> Declaration:
        """What the chosen model declares."""
        return self._model

    @property
    def open_groups(self) -> list[str]:
        """Keys of the expanded sections."""
        return [key for key, section in self.sections.items() if section.is_open]

    def open_these_groups(self, keys: Iterable[str]) -> None:
        """Expand these sections, collapse the others."""
        for key, section in self.sections.items():
            section.set_open(key in keys)

    def show_models(self, models: Iterable[KnownModel]) -> None:
        """Offer these models."""
        with QSignalBlocker(self.model_box):
            self.model_box.clear()
            for model in models:
                if model.declaration and not model.problem:
                    self.model_box.addItem(words(model.title), model.name)
        self._model = declared(self._request.settings.model)
        self.show_request(self._request)

    def forbid_codecs(self, missing: Collection[str]) -> None:
        """Let every codec but these be chosen."""
        editor = self.rows["codec"].editor
        assert isinstance(editor, ChoiceEditor)
        for codec in CODEC_NAMES:
            editor.allow(codec, codec not in missing)

    def show_devices(self, devices: Sequence[DeviceFacts]) -> None:
        """Offer the devices that are there, with name and memory, and several cards together."""
        self._devices = devices
        editor = self._name_devices()
        there = {device.name for device in devices}
        for name in DEVICES:
            absent = "" if name in there or name == "auto" else self.tr("This device is not in this computer.")
            editor.allow(name, not absent, absent)

    def _name_devices(self) -> ChoiceEditor:
        """Show names and memory of the devices in their list, which is returned."""
        editor = self.rows["device"].editor
        assert isinstance(editor, ChoiceEditor)
        for name, text in device_choices(self._devices, self._request.settings.device).items():
            editor.offer(name, text)
        return editor

    def _allow_guidance(self) -> None:
        """Offer CFG only with a model that it acts in."""
        editor = self.rows["guidance"].editor
        assert isinstance(editor, ChoiceEditor)
        distinct = is_distinct(self._model)
        editor.allow("cfg", distinct, "" if distinct else cfg_reason())

    def show_request(self, request: JobRequest) -> None:
        """Edit this request from now on."""
        if request.settings.model != self._request.settings.model:
            self._model = declared(request.settings.model)
        self._request = request
        resolved = self._model.resolve(request.settings)
        self._show_model()
        defaults = self._model.resolve(RestoreSettings(model=request.settings.model))
        idle = idle_reasons(resolved, self._model)
        for name, row in self.rows.items():
            if name in OUTPUT_SPECS:
                row.show_value(getattr(request.output, name), OutputSettings.specs()[name].default)
            else:
                row.show_value(getattr(request.settings, name), getattr(defaults, name))
            row.set_idle(idle.get(name, ""))
        self._name_devices()
        self._allow_guidance()
        self.target_field.setText("" if request.target is None else str(request.target))
        self._show_suggestion()
        steps = steps_of(resolved, self._model)
        gammas = [step.gamma for step in steps]
        self.curve.show_gammas(gammas)
        self.strip.show_steps([step.kind for step in steps], gammas)
        self._show_presets()
        self._show_summaries(resolved)

    def name_results(self, rule: ResultRule) -> None:
        """Name results by another rule from now on."""
        self._rule = rule
        self._show_suggestion()
        self._show_summaries(self._model.resolve(self._request.settings))

    def note_facts(self, facts: SourceFacts) -> None:
        """Name the result by what is known of the clip, and ask what becomes of tracks that do not fit where there are any."""
        self._facts = facts
        self._show_suggestion()

    def _show_suggestion(self) -> None:
        """Show in the empty field what the result will be called."""
        target = self._rule.suggest(self._request, self._model, self._facts)
        if self._request.source == Path():
            self.target_field.setPlaceholderText(self.tr("Named after the clip, {place}").format(place=self._place))
        else:
            self.target_field.setPlaceholderText(target.name if self._rule.folder is None else str(target))
        self._show_misfits(self._facts.misfits(self._request.target or target))

    def _show_misfits(self, sentences: Sequence[str]) -> None:
        """Show the row of tracks that do not fit only where there are any, or where it was changed."""
        row, choice = self.rows["unfit_tracks"], self._request.output.unfit_tracks
        is_default = choice == OutputSettings.specs()["unfit_tracks"].default
        row.setVisible(bool(sentences) or not is_default)
        row.show_note("\n".join(map(engine_words, sentences)) if is_default else "")

    def show_step(self, step: int | None) -> None:
        """Mark the step that runs, or none."""
        self.curve.show_step(step)
        self.strip.show_step(step)

    def lock(self, reason: str) -> None:
        """Make the settings read-only and say why; an empty reason unlocks them."""
        self._parts.setEnabled(not reason)
        self.note.setText(reason)
        self.note.setVisible(bool(reason))

    def _show_model(self) -> None:
        name = self._request.settings.model
        with QSignalBlocker(self.model_box):
            if self.model_box.findData(name) < 0:
                self.model_box.addItem(self.tr("{model} (not installed)").format(model=name), name)
            self.model_box.setCurrentIndex(self.model_box.findData(name))
        self.model_box.setToolTip(plain_tip(words(self._model.description)))

    def _show_presets(self) -> None:
        chosen = self._presets.match(self._request.settings, self._model, self._last_preset)
        built_in = {preset.name: preset.doc for preset in BUILT_IN}
        with QSignalBlocker(self.preset_box):
            self.preset_box.clear()
            for name in self._presets.names(self._model):
                self.preset_box.addItem(words(name) if name in built_in else name, name)
                self.preset_box.setItemData(
                    self.preset_box.count() - 1, words(built_in.get(name, "")), Qt.ItemDataRole.ToolTipRole
                )
            if chosen is None:
                self.preset_box.addItem(self.tr("Custom settings"), None)
            self.preset_box.setCurrentIndex(self.preset_box.findData(chosen))
        self.preset_box.setToolTip(words(built_in.get(chosen or "", "")))
        self.remove_preset_action.setEnabled(chosen in self._presets.own)

    @property
    def _place(self) -> str:
        """Where results go that were given no name."""
        folder = self._rule.folder
        return self.tr("into {folder}").format(folder=folder) if folder else self.tr("beside the clip")

    def _show_summaries(self, s: ResolvedSettings) -> None:
        """Summarise the contents of collapsed sections."""
        off = self.tr("off")
        guidance = words(RESTORE_SPECS["guidance"].choices[s.guidance])
        texts = {
            "more": self.tr("steps: {steps}").format(steps=s.steps),
            "guidance": f"{s.steps} · {guidance} · {s.guidance_scale:g}"
            + (f" · γ {s.gamma_peak:g} · ρ {s.gamma_rho:g}" if s.guidance == "dssag" else ""),
            "propagation": f"SAP {f's={s.sap_rate}' if s.sap else off} · TAP {f'L={s.tap_frames}' if s.tap else off}",
            "tiles": f"{s.tile}×{s.tile}×{s.window}" + (f" · {s.overlap:.0%}" if s.tiling == "paper" else ""),
            "rest": f"{words(RESTORE_SPECS['color'].choices[s.color])} · {s.seed}",
            "fewer": self._changed_text(s, FEWER_ROWS),
            "research": self._changed_text(s, RESEARCH_SETTINGS),
            "output": self._request.target.name if self._request.target else self._place,
        }
        for key, section in self.sections.items():
            section.set_summary(texts[key])

    def _changed_text(self, settings: ResolvedSettings, names: Iterable[str]) -> str:
        """How many of some settings are not the method's."""
        changed = sum(getattr(settings, name) != RestoreSettings.specs()[name].default for name in names)
        return self.tr("{count} changed").format(count=changed) if changed else self.tr("as the method says")

    # -- what the user edits ------------------------------------------------------------------------------------

    def _edit(self, name: str, value: Any, for_next: bool = False) -> None:
        """Apply a value if it is allowed; otherwise say why not, and keep the former one."""
        part = "output" if name in OUTPUT_SPECS else "settings"
        changes = {name: value}
        if name == "guidance":
            default = self._model.resolve(RestoreSettings(model=self._request.settings.model)).guidance_scale
            changes["guidance_scale"] = scale_for(value, self._model.resolve(self._request.settings), default)
        try:
            changed = getattr(self._request, part).replace(**changes)
        except SettingsError as error:
            self.show_request(self._request)
            self.rows[name].show_problem(str(error))
            return
        self._change(for_next, **{part: changed})

    def _change(self, for_next: bool = False, **changes: Any) -> None:
        self.show_request(self._request.replace(**changes))
        self.request_changed.emit(self._request, for_next)

    def choose_model(self, name: str) -> None:
        """Choose another model."""
        self._edit("model", name, for_next=True)

    def reset_all(self) -> None:
        """Reset everything to the defaults of the model and the program."""
        kept = RestoreSettings(model=self._request.settings.model)
        self._change(for_next=True, settings=kept, output=OutputSettings())

    def _apply_preset(self, name: str | None) -> None:
        if name is not None:
            self._last_preset = name
            self._change(for_next=True, settings=self._presets.apply(name, self._request.settings, self._model))

    def ask_preset_name(self) -> None:
        """Ask for a name, and keep the settings as a preset of that name."""
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Save as preset"))
        dialog.setLabelText(self.tr("Name of the preset:"))
        dialog.textValueSelected.connect(self._save_unless_there)
        dialog.resize(PRESET_DIALOG_WIDTH, dialog.sizeHint().height())
        dialog.open()

    def _save_unless_there(self, name: str) -> None:
        """Keep the settings as a preset; one of this name is replaced only if the user agrees."""
        if name.strip() not in self._presets.own:
            self.save_preset(name)
            return
        title, question = self.tr("Replace the preset?"), self.tr("There is a preset “{name}” already.")
        save = partial(self.save_preset, name)
        ask(self, title, question.format(name=name.strip()), self.tr("Replace"), self.tr("Keep it"), save)

    def save_preset(self, name: str) -> None:
        """Keep the settings as a preset."""
        try:
            self._presets.save(name, self._request.settings)
        except (SettingsError, OSError) as error:
            show_error(self, self.tr("The preset was not saved."), engine_words(str(error)))
            return
        self._last_preset = name.strip()
        self._show_presets()

    def _remove_preset(self) -> None:
        self._presets.remove(self.preset_box.currentData())
        self._show_presets()

    def choose_target(self) -> None:
        """Ask where the result goes; the name that it would get by itself is proposed."""
        proposed = self._request.target or self._rule.suggest(self._request, self._model, self._facts)
        dialog = QFileDialog(self, self.tr("Output file"), str(proposed.parent))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(str(proposed))
        dialog.fileSelected.connect(lambda name: self.take_target(Path(name), replace=True))
        dialog.open()

    def take_target(self, target: Path, replace: bool) -> None:
        """Write the result to a file, which is never the clip itself.

        Args:
            target: the file.
            replace: whether the user has agreed to replace it if it exists.
        """
        self.show_target_problem("")
        if is_same_file(target, self._request.source):
            self.show_target_problem(self.tr("The result cannot replace its own clip; choose another name."))
        elif target.is_file() and not replace and not self._request.output.overwrite:
            self.show_target_problem(self.tr("This file exists. Choose another name, or check “Replace an existing file”."))
            # kept all the same: the user may yet allow it to be replaced
            self._change(target=target)
        else:
            overwrite = self._request.output.overwrite or (replace and target.is_file())
            self._change(target=target, output=self._request.output.replace(overwrite=overwrite))

    def show_target_problem(self, text: str) -> None:
        """Say what is wrong with the output file; nothing when empty."""
        self.target_problem.setText(text)
        self.target_problem.setVisible(bool(text))
        color_text(self.target_problem, tones(self.palette()).bad)

    def _on_target_typed(self) -> None:
        text = self.target_field.text().strip()
        target = Path(text).expanduser() if text else None
        if target is None:
            self.show_target_problem("")
            self._change(target=None)
        # leaving the field as it was is no edit
        elif target != self._request.target:
            self.take_target(target, replace=False)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    return one.absolute() == other.absolute() or (one.exists() and other.exists() and one.samefile(other))
