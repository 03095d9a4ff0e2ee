"""Every action of the window, one row each, and the menus made of them.

The previewer's own actions stand in `preview.panel`, whose buttons they are; the menus name them by their ids.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.controllers.devices import Devices
from app.controllers.exports import Exports
from app.controllers.full_screen import FullScreen
from app.controllers.history import History
from app.controllers.preferences_menu import PreferencesMenu
from app.controllers.runs import Runs
from app.controllers.selected_items import SelectedItems
from app.controllers.session import WindowSession
from app.controllers.shown_item import ShownItem
from app.controllers.state import WindowState
from app.controllers.unattended import Unattended
from app.engine.runner import Activity, JobRunner
from app.help.menu import HelpMenu
from app.models.menu import ModelsMenu
from app.preview.model import CompareMode
from app.preview.stills import StillKind
from app.queue.intake import ClipIntake
from app.settings.panel import SettingsPanel
from app.system.power import AFTERWARDS, Afterward, deed_name
from app.system.translation import LANGUAGES
from app.widgets.action_spec import ActionSpec, Shortcut, in_any_state
from app.widgets.action_table import MenuSpec
from app.widgets.appearance import APPEARANCES, Appearance, appearance_name

Key = QKeySequence.StandardKey
When = Callable[[WindowState], bool]
SAVES = ("save_frame", "save_original", "save_both")
COPIES = ("copy_frame", "copy_original", "copy_both")
COMPARISONS = ("compare_side", "compare_wipe")
VIEW_MENU = (*SAVES, None, *COPIES, None, *COMPARISONS)
"""Opens on the picture."""


def row(
    action_id: str,
    text: str,
    slot: Callable[..., object],
    shortcut: Shortcut = None,
    when: When = in_any_state,
    tip: str = "",
    role: QAction.MenuRole = QAction.MenuRole.TextHeuristicRole,
) -> ActionSpec:
    """An action that does something; ``when`` says in which states of the window it is available."""
    return ActionSpec(action_id, text, slot, shortcut, when, tip=tip, role=role)


def switch(
    action_id: str,
    text: str,
    slot: Callable[[bool], object],
    shortcut: Shortcut = None,
    when: When = in_any_state,
    checked: When | None = None,
) -> ActionSpec:
    """An action that turns something on and off; ``checked`` says whether it is on, where the window knows that."""
    return ActionSpec(action_id, text, slot, shortcut, when, checkable=True, checked=checked)


def choice(action_id: str, text: str, slot: Callable[[], object], checked: When) -> ActionSpec:
    """One of several actions that exclude each other: those whose id is the same up to the dot."""
    return ActionSpec(action_id, text, slot, checkable=True, checked=checked, group=action_id.partition(".")[0])


@dataclass(frozen=True)
class Targets:
    """What the actions call."""

    window: QMainWindow
    intake: ClipIntake
    settings: SettingsPanel
    shown: ShownItem
    runs: Runs
    runner: JobRunner
    selected: SelectedItems
    models: ModelsMenu
    help: HelpMenu
    session: WindowSession
    unattended: Unattended
    preferences: PreferencesMenu
    exports: Exports
    full_screen: FullScreen
    history: History
    devices: Devices


class Actions(QObject):
    """The rows and menus, with texts in the user's language."""

    def __init__(self, targets: Targets) -> None:
        super().__init__(targets.window)
        self._targets = targets

    def rows(self) -> list[ActionSpec]:
        """All actions."""
        groups = (
            self._clips,
            self._history,
            self._exports,
            self._looks,
            self._runs,
            self._alone,
            self._items,
            self._places,
            self._others,
        )
        return [spec for group in groups for spec in group()]

    def menus(self) -> list[MenuSpec]:
        """The menu bar."""
        modes = tuple(f"preview.{mode.value}" for mode in CompareMode)
        tools = ("preview.tiles", "preview.loupe", "preview.actual_size", "preview.fit", "preview.zoom_in", "preview.zoom_out")
        picture = (*modes, None, *tools, "preview.select", "preview.select_none")
        plays = ("preview.play", "preview.play_backwards", "preview.stop_playing", "preview.play_forwards", "preview.mute")
        frames = (*plays, "preview.previous", "preview.next", "preview.in", "preview.out")
        panels = ("panel.queue", "panel.settings", "panel.report", "panel.log")
        looks = MenuSpec(self.tr("&Appearance"), tuple(f"appearance.{name}" for name in APPEARANCES))
        language = MenuSpec(self.tr("&Language"), tuple(f"language.{code}" for code in ("", *LANGUAGES)))
        order, settings = ("move_up", "move_down", "remove"), ("defaults", "save_preset")
        previews, run = ("preview_a", "preview_b", "visible_only"), ("restore", "start", "in_out_only")
        after = MenuSpec(self.tr("After the &queue"), tuple(f"afterward.{name}" for name in AFTERWARDS))
        opening = ("open", "open_folder", "recent", "watch")
        stops = ("pause", "cancel", "stop")
        again = ("resume", "start_again", "show_report", "show_failure")
        export = MenuSpec(self.tr("&Export"), (*SAVES, None, *COMPARISONS))
        return [
            MenuSpec(self.tr("&File"), (*opening, None, "target", export, None, "play_result", "show_in_folder", None, "quit")),
            MenuSpec(self.tr("&Edit"), ("undo", "redo", None, *COPIES, "paste", *order, None, *settings, None, "preferences")),
            MenuSpec(self.tr("&View"), (*picture, None, *frames, None, *panels, None, looks, language, "full_screen")),
            MenuSpec(self.tr("&Job"), ("plan", *previews, None, *run, *stops, None, "start_at", after, None, *again)),
            MenuSpec(self.tr("&Models"), ("models", "add_model", "models_folder")),
            MenuSpec(self.tr("&Devices"), ("compute_on", None, "place.here", "place.farm", None, "farm", "gpu")),
            MenuSpec(self.tr("&Help"), ("guide", "welcome", "shortcuts", "gpu", "panel.log", "crash", "about")),
        ]

    # -- rows ---------------------------------------------------------------------------------------------------

    def _clips(self) -> list[ActionSpec]:
        t = self._targets
        return [
            row("open", self.tr("&Open clips…"), t.intake.ask_for_clips, Key.Open),
            row("open_folder", self.tr("Open &folder…"), t.intake.ask_for_folder, "Ctrl+Shift+O"),
            self._watch(),
            row("target", self.tr("Output &file…"), t.settings.choose_target, Key.SaveAs, lambda s: s.clip_open),
            row("quit", self.tr("&Quit"), t.window.close, Key.Quit, role=QAction.MenuRole.QuitRole),
            row("paste", self.tr("&Paste clips"), t.intake.paste, Key.Paste),
            row("defaults", self.tr("&Default settings"), t.settings.reset_all, "Ctrl+0"),
            row("save_preset", self.tr("&Save as preset…"), t.settings.ask_preset_name),
            row(
                "preferences",
                self.tr("P&references…"),
                t.preferences.open,
                "Ctrl+,",
                role=QAction.MenuRole.PreferencesRole,
            ),
        ]

    def _exports(self) -> list[ActionSpec]:
        """What is kept of the comparison."""
        exports = self._targets.exports
        save, copy, compare = exports.save, exports.copy, exports.compare
        side, wipe = self.tr("Before/after video, side by &side…"), self.tr("Before/after video with a &moving line…")
        return [
            row("save_frame", self.tr("Save &frame as…"), partial(save, "frame"), "Ctrl+Alt+S", can_keep("frame")),
            row("save_original", self.tr("Save &original frame as…"), partial(save, "original"), None, can_keep("original")),
            row("save_both", self.tr("Save &before and after as…"), partial(save, "both"), None, can_keep("both")),
            # its key belongs to the preview: elsewhere it copies text
            ActionSpec("copy_frame", self.tr("&Copy frame"), partial(copy, "frame"), Key.Copy, can_keep("frame"), local=True),
            row("copy_original", self.tr("Copy &original frame"), partial(copy, "original"), None, can_keep("original")),
            row("copy_both", self.tr("Copy &before and after"), partial(copy, "both"), "Ctrl+Shift+C", can_keep("both")),
            row("compare_side", side, partial(compare, "side"), None, can_compare),
            row("compare_wipe", wipe, partial(compare, "wipe"), None, can_compare),
        ]

    def _history(self) -> list[ActionSpec]:
        """Their texts say what is undone and redone."""
        history, undo, redo = self._targets.history, self.tr("&Undo"), self.tr("&Redo")
        return [
            ActionSpec(
                "undo", undo, history.undo, Key.Undo, lambda s: bool(s.undo_text), retitled=lambda s: titled(undo, s.undo_text)
            ),
            ActionSpec(
                "redo", redo, history.redo, Key.Redo, lambda s: bool(s.redo_text), retitled=lambda s: titled(redo, s.redo_text)
            ),
        ]

    def _watch(self) -> ActionSpec:
        """Its text says which of both it does."""
        watch, leave = self.tr("&Watch a folder…"), self.tr("Do not &watch “{name}” any more")
        slot = self._targets.intake.watch_or_not
        return ActionSpec("watch", watch, slot, retitled=lambda s: leave.format(name=s.watched) if s.watched else watch)

    def _looks(self) -> list[ActionSpec]:
        session = self._targets.session
        languages = {"": appearance_name("system"), **LANGUAGES}
        return [
            *(choice(f"appearance.{name}", text, partial(session.choose_appearance, name), has_appearance(name))
              for name, text in ((name, appearance_name(name)) for name in APPEARANCES)),
            *(choice(f"language.{code}", text, partial(session.choose_language, code), has_language(code))
              for code, text in languages.items()),
            self._full_screen(),
        ]  # fmt: skip

    def _full_screen(self) -> ActionSpec:
        tip, show = self.tr("Show the preview alone on the whole screen (F11; Esc leaves)."), self._targets.full_screen.show
        return ActionSpec(
            "full_screen", self.tr("Full screen"), show, "F11", checkable=True, checked=lambda s: s.full_screen, tip=tip
        )

    def _runs(self) -> list[ActionSpec]:
        t = self._targets
        return [
            self._preview_button(),
            row("plan", self.tr("&Estimate…"), t.runs.estimate, "Ctrl+E", lambda s: s.can_preview),
            row("preview_a", self.tr("Preview as variant &A"), t.runs.preview_a, "F5", lambda s: s.can_preview),
            row("preview_b", self.tr("Preview as variant &B"), t.runs.preview_b, "Shift+F5", lambda s: s.can_preview),
            switch("visible_only", self.tr("Preview only the &visible part"), t.runs.set_visible_only, "Ctrl+F5",
                   checked=lambda s: s.visible_only),
            switch("in_out_only", self.tr("Restore only from &in to out"), t.shown.restore_part_only,
                   when=lambda s: s.clip_open, checked=lambda s: s.part_only),
            row("restore", self.tr("&Restore"), t.runs.restore, "Ctrl+Return", lambda s: s.idle and s.waiting,
                self.tr("Restore all waiting clips (Ctrl+Return)")),
            self._pause(),
            row("cancel", self.tr("&Cancel"), t.runner.cancel, "Ctrl+.", lambda s: s.busy,
                self.tr("Stop after the next tile; finished segments and steps are kept (Ctrl+.)")),
            row("stop", self.tr("&Stop now"), t.runner.stop_now, "Ctrl+Shift+.", lambda s: s.activity == Activity.CANCELLING,
                self.tr("End the engine at once; finished segments and steps are kept (Ctrl+Shift+.)")),
        ]  # fmt: skip

    def _preview_button(self) -> ActionSpec:
        tip = self.tr("Restore the range from in to out, or a few frames from here, as a preview (F5)")
        menu, runs = ("preview_a", "preview_b", "visible_only"), self._targets.runs
        return ActionSpec(
            "preview", self.tr("Preview segment"), runs.preview_a, None, lambda s: s.can_preview, tip=tip, menu=menu
        )

    def _pause(self) -> ActionSpec:
        """Its text says which of both it does."""
        pause, resume = self.tr("Pause"), self.tr("Resume")
        tip = self.tr("Pause after the next tile and free the device's memory (F6)")
        slot = self._targets.runs.pause_or_resume
        return ActionSpec("pause", pause, slot, "F6", lambda s: s.busy, retitled=lambda s: resume if s.paused else pause, tip=tip)

    def _alone(self) -> list[ActionSpec]:
        """What happens while nobody watches."""
        unattended = self._targets.unattended
        start, forget = self.tr("Start at a &time…"), self.tr("Do not start at {time}")
        later = ActionSpec(
            "start_at", start, unattended.ask_time, retitled=lambda s: forget.format(time=s.start_at) if s.start_at else start
        )
        deeds = {name: deed_name(name).capitalize() for name in AFTERWARDS}
        return [
            later,
            *(
                choice(f"afterward.{name}", text, partial(self._targets.preferences.choose_afterward, name), has_afterward(name))
                for name, text in deeds.items()
            ),
        ]

    def _items(self) -> list[ActionSpec]:
        """Of the selected items of the queue."""
        items = self._targets.selected
        delete = self.tr("Delete unfinished work…")
        return [
            row("start", self.tr("Restore only this"), items.start, None, lambda s: s.only_state == "waiting"),
            row("resume", self.tr("Resume"), items.resume, "Ctrl+R", lambda s: s.can_resume),
            row("start_again", self.tr("Start again"), items.start_again, "Ctrl+T", lambda s: s.can_run_again),
            row("play_result", self.tr("Play the result"), items.play_result, "Ctrl+Shift+J", lambda s: s.has_result),
            row("show_in_folder", self.tr("Show in folder"), items.show_in_folder, "Ctrl+J", lambda s: s.has_result),
            row("show_report", self.tr("Show report"), items.show_report, None, lambda s: bool(s.only and s.only.report)),
            row("show_failure", self.tr("Why it failed…"), items.show_failure, None, lambda s: bool(s.only and s.only.message)),
            row("move_up", self.tr("Move up"), items.move_up, "Ctrl+Up", lambda s: s.only is not None and s.row > 0),
            row("move_down", self.tr("Move down"), items.move_down, "Ctrl+Down", lambda s: s.only is not None and not s.is_last),
            self._remove(),
            row("delete_unfinished", delete, items.delete_unfinished, None, lambda s: s.can_resume),
        ]

    def _remove(self) -> ActionSpec:
        """Its key belongs to the list only: elsewhere it deletes text."""
        text, slot = self.tr("Remove from the queue"), self._targets.selected.remove
        return ActionSpec("remove", text, slot, Key.Delete, lambda s: s.can_remove, local=True)

    def _places(self) -> list[ActionSpec]:
        """Where clips are restored."""
        devices = self._targets.devices
        farm, named = self.tr("Restore on a &farm"), self.tr("Restore on the &farm at {address}")
        return [
            choice("place.here", self.tr("Restore on &this computer"), partial(devices.restore_on_farm, False), is_here),
            ActionSpec(
                "place.farm", farm, devices.restore_on_farm, enabled=lambda s: bool(s.farm), checkable=True, group="place",
                checked=lambda s: s.on_farm, retitled=lambda s: named.format(address=s.farm) if s.farm else farm,
            ),
            row("farm", self.tr("Fa&rm…"), devices.open_farm),
        ]  # fmt: skip

    def _others(self) -> list[ActionSpec]:
        t = self._targets
        return [
            row("models", self.tr("&Models…"), t.models.open, "Ctrl+M"),
            row("add_model", self.tr("&Use a folder in place…"), t.models.ask_folder),
            row("models_folder", self.tr("&Open the models folder"), t.models.show_folder),
            row("guide", self.tr("G&uide…"), t.help.show_guide, Key.HelpContents),
            row("welcome", self.tr("&First steps…"), t.help.show_welcome),
            row("shortcuts", self.tr("&Keyboard shortcuts…"), t.help.shortcuts_requested.emit, "Ctrl+/"),
            row("gpu", self.tr("Use my &GPU…"), t.help.show_gpu),
            row("crash", self.tr("Report of the last &crash…"), t.session.show_crash, None, lambda s: s.crashed),
            row("about", self.tr("&About DC-VSR Studio"), t.help.show_about, role=QAction.MenuRole.AboutRole),
        ]


def titled(text: str, what: str) -> str:
    """A menu's text and what it acts on, if that is known."""
    return f"{text}: {what.replace('&', '&&')}" if what else text


def can_keep(kind: StillKind) -> When:
    """Whether such a picture can be kept of the frame that is seen."""
    return lambda state: kind in state.stills


def can_compare(state: WindowState) -> bool:
    """Whether the engine can write a video before and after."""
    return state.idle and state.has_pair


def has_appearance(appearance: Appearance) -> When:
    """Whether this appearance is the user's choice."""
    return lambda state: state.appearance == appearance


def has_language(language: str) -> When:
    """Whether this language is the user's choice."""
    return lambda state: state.language == language


def has_afterward(afterward: Afterward) -> When:
    """Whether this is to follow the queue."""
    return lambda state: state.afterward == afterward


def is_here(state: WindowState) -> bool:
    """Whether clips are restored on this computer."""
    return not state.on_farm
