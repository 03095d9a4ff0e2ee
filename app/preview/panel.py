"""The preview panel: toolbar, compare view and timeline around one clip and its results."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.preview.compare_view import ZOOM_STEP, CompareView
from app.preview.frames import FrameSource, ResultStore
from app.preview.model import GAINS, ClipView, CompareMode
from app.preview.placeholder import Placeholder
from app.preview.playback import FrameTimes
from app.preview.scene import Side
from app.preview.sound import ClipSound
from app.preview.stills import Still, StillKind
from app.preview.tile_overlay import TileOverlay
from app.preview.tiling_state import TilingState
from app.preview.timeline import Timeline
from app.preview.tools import PreviewTools
from app.widgets.action_spec import ActionSpec, Shortcut, make_action
from app.widgets.drops import accept_copy, local_paths
from app.widgets.engine_words import engine_words
from dcvsr_engine.events import Event, FramesChosen, PhaseStarted, PreviewFrame, StepStarted, TileFinished, TileStarted
from dcvsr_engine.planning.request import Region
from dcvsr_engine.tiling.grid import TileGrid

if TYPE_CHECKING:
    from dcvsr_engine.video.probe import VideoInfo


DEFAULT_SCALE = 4
DEFAULT_VARIANT = "SR"
"""Name under which frames of a result are kept; the user reads *Restored*."""

WIDEST = 4.0
"""Largest pixel aspect that is believed; anamorphic film has 2."""


def view_action(
    name: str, text: str, key: Shortcut, tip: str, slot: Callable[..., object], checkable: bool = False, group: str = ""
) -> ActionSpec:
    """A row of the previewer's actions."""
    return ActionSpec(f"preview.{name}", text, slot, key, tip=tip, checkable=checkable, group=group)


class PreviewPanel(QWidget):
    """Shows a clip before and after, and what the engine does to it. Knows nothing of the engine process.

    Attributes:
        view, timeline, tiling: the parts, for more than the methods below.
        info: facts about the open clip, or ``None``.
        running_variant: name under which frames of the running job are kept.
        stills: the pictures that can be kept of the frame that is seen.
        actions_by_id: for menus, see `_action_specs`; mode_actions: those that choose how to compare.

    Signals:
        region_selected: a `Region` of the input, or ``None`` when it is cleared.
        range_changed: the chosen part (first, last frame, inclusive).
        frame_changed: the frame that is seen.
        clip_opened: the clip's `VideoInfo`. clip_failed: why it cannot be opened.
        files_dropped: paths (list of `Path`) that were dropped here.
        open_requested: the empty view was clicked.
        stills_changed: other pictures can be kept of what is seen, see `stills`.
    """

    region_selected = Signal(object)
    range_changed = Signal(int, int)
    frame_changed = Signal(int)
    clip_opened = Signal(object)
    clip_failed = Signal(str)
    files_dropped = Signal(list)
    open_requested = Signal()
    stills_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Preview panel"))
        self.setAcceptDrops(True)
        self.stills: frozenset[StillKind] = frozenset()
        self.info: VideoInfo | None = None
        self.running_variant = DEFAULT_VARIANT
        self._scale: float = DEFAULT_SCALE
        self._results = ResultStore()
        self._finished = range(0)
        self._views: dict[str, ClipView] = {}
        self._mode_chosen = False
        self.source = FrameSource(self)
        self.tiling = TilingState(self)
        self.view = CompareView(TileOverlay(self.tiling), self)
        self.timeline = Timeline(self.tiling, self)
        self.sound = ClipSound(self)
        self._make_actions()
        self._lay_out()
        self._connect()
        self._set_tiles(False)
        self._update_choices()

    # -- parts --------------------------------------------------------------------------------------------------

    def _action_specs(self) -> list[ActionSpec]:
        """The panel's actions; their keys work wherever the focus is, but in fields that are typed into."""
        return [*self._mode_specs(), *self._view_specs(), *self._frame_specs()]

    def _view_specs(self) -> list[ActionSpec]:
        tiles = self.tr("Show the tiles that the picture is processed in, and the progress of each (T).")
        loupe = self.tr("A magnifier follows the pointer and shows both pictures (M).")
        actual_size = self.tr("Show one pixel of the result on one pixel of the screen (1).")
        fit = self.tr("Show the whole picture (F, or double-click).")
        zoom_in, zoom_out = self.tr("Enlarge the picture (+, or the wheel)."), self.tr("Shrink the picture (−, or the wheel).")
        select = self.tr("Preview only what is seen now (R); Shift and drag selects another part.")
        none = self.tr("Preview the whole picture again (Esc).")
        return [
            view_action("tiles", self.tr("Tiles"), "T", tiles, self._set_tiles, checkable=True),
            view_action("loupe", self.tr("Loupe"), "M", loupe, self._set_loupe, checkable=True),
            view_action("actual_size", self.tr("1:1"), "1", actual_size, self.view.actual_size),
            view_action("fit", self.tr("Fit"), "F", fit, self.view.fit),
            view_action(
                "zoom_in", self.tr("Zoom in"), QKeySequence.StandardKey.ZoomIn, zoom_in, partial(self.view.zoom_by, ZOOM_STEP)
            ),
            view_action(
                "zoom_out",
                self.tr("Zoom out"),
                QKeySequence.StandardKey.ZoomOut,
                zoom_out,
                partial(self.view.zoom_by, 1 / ZOOM_STEP),
            ),
            view_action("select", self.tr("Select the visible part"), "R", select, self.view.select_visible),
            view_action("select_none", self.tr("Clear the selection"), None, none, self.view.clear_selection),
        ]

    def _frame_specs(self) -> list[ActionSpec]:
        first = self.tr("Start the selected range at this frame (I).")
        last = self.tr("End the selected range with this frame (O).")
        back, forward = self.tr("Go back one frame (← or ,)."), self.tr("Go forward one frame (→ or .).")
        play = self.tr("Play the selected range, or pause (Space or P).")
        backwards, stop = self.tr("Play the selected range backwards (J)."), self.tr("Stop playing (K).")
        forwards = self.tr("Play the selected range forwards (L).")
        mute = self.tr("Mute the sound, or let it be heard again (Shift+M).")
        return [
            view_action("play", self.tr("Play or pause"), "P", play, self._play_or_pause),
            view_action("play_backwards", self.tr("Play backwards"), "J", backwards, partial(self._play, -1)),
            view_action("stop_playing", self.tr("Stop playing"), "K", stop, partial(self.timeline.set_playing, False)),
            view_action("play_forwards", self.tr("Play forwards"), "L", forwards, partial(self._play, 1)),
            view_action("mute", self.tr("Mute"), "Shift+M", mute, self.timeline.sound_controls.button.toggle),
            view_action("in", self.tr("Set in point"), "I", first, self.timeline.set_in),
            view_action("out", self.tr("Set out point"), "O", last, self.timeline.set_out),
            view_action("previous", self.tr("Previous frame"), ",", back, self.timeline.step_back),
            view_action("next", self.tr("Next frame"), ".", forward, self.timeline.step_forward),
        ]

    def _mode_specs(self) -> list[ActionSpec]:
        modes = {
            CompareMode.SIDE_BY_SIDE: (self.tr("Side by side"), "S", self.tr("Show input and result next to each other (S).")),
            CompareMode.WIPE: (self.tr("Wipe"), "W", self.tr("Split the picture by a line; drag it or use the arrow keys (W).")),
            CompareMode.AB: (self.tr("A/B"), "A", self.tr("Show the result, and the input while Space is held (A).")),
            CompareMode.DIFFERENCE: (self.tr("Difference"), "D", self.tr("Show what the result changes, amplified (D).")),
        }
        return [
            view_action(mode.value, *texts, partial(self._on_mode_chosen, mode), checkable=True, group="mode")
            for mode, texts in modes.items()
        ]

    def _make_actions(self) -> None:
        self.actions_by_id = {each.id: make_action(each, self) for each in self._action_specs()}
        self.mode_actions = {mode: self.actions_by_id[f"preview.{mode.value}"] for mode in CompareMode}
        group = QActionGroup(self)
        for action in self.mode_actions.values():
            group.addAction(action)
        self.mode_actions[CompareMode.SIDE_BY_SIDE].setChecked(True)
        self.addActions(list(self.actions_by_id.values()))

    def _lay_out(self) -> None:
        self.toolbar = PreviewTools(self)
        self.toolbar.setAccessibleName(self.tr("Preview tools"))
        for action in self.mode_actions.values():
            self.toolbar.add_action(action)
        self.gain_box = self._choice(self.tr("Amplification"), self.tr("How many times the difference is amplified."))
        for gain in GAINS:
            self.gain_box.addItem(f"×{gain}", gain)
        self.gain_box.setCurrentIndex(GAINS.index(self.view.scene.comparison.gain))
        self.toolbar.add_widget(self.gain_box)
        self.gain_box.hide()
        for names in (("tiles", "loupe"), ("actual_size", "fit")):
            self.toolbar.add_line()
            for name in names:
                self.toolbar.add_action(self.actions_by_id[f"preview.{name}"])
        self.toolbar.add_widget(self._choices())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.toolbar)
        column.addWidget(self.view, 1)
        column.addWidget(self.timeline)

    @property
    def parts(self) -> list[QWidget]:
        """Toolbar, view, and timeline from left to right, as Tab goes through them."""
        return [self.toolbar, self.view, *self.timeline.parts]

    def _choices(self) -> QWidget:
        """The lists of what is compared with what; seen when there is a choice."""
        self.left_box = self._choice(self.tr("Left picture"), self.tr("What is shown on the left, or as A."))
        self.right_box = self._choice(self.tr("Right picture"), self.tr("What is shown on the right, or as B."))
        versus = QLabel(self.tr("vs"), self)
        versus.setMargin(4)
        self.choices = QWidget(self)
        row = QHBoxLayout(self.choices)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.left_box, versus, self.right_box):
            row.addWidget(widget)
        return self.choices

    def _choice(self, name: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        return box

    def _connect(self) -> None:
        self.source.opened.connect(self._on_opened)
        self.source.failed.connect(self._on_failed)
        self.source.frame_ready.connect(self._on_frame_ready)
        self.view.region_selected.connect(self.region_selected)
        self.view.open_requested.connect(self.open_requested)
        self.timeline.frame_changed.connect(self._on_frame_changed)
        self.timeline.range_changed.connect(self.range_changed)
        self.timeline.playback_changed.connect(self.sound.follow)
        self.sound.availability_changed.connect(self.timeline.sound_controls.offer)
        self.timeline.sound_controls.changed.connect(self.sound.set_volume)
        self.tiling.changed.connect(self._on_tiling_changed)
        self.gain_box.currentIndexChanged.connect(self._set_gain)
        self.left_box.currentIndexChanged.connect(self._refresh)
        self.right_box.currentIndexChanged.connect(self._refresh)

    def _set_tiles(self, on: bool) -> None:
        """Show the tiles in space and in time, or neither."""
        self.view.set_overlay_visible(on)
        self.timeline.strip.want(on)

    def _set_loupe(self, on: bool) -> None:
        self.view.set_comparison(replace(self.view.scene.comparison, loupe=on))

    def _set_gain(self, index: int) -> None:
        self.view.set_comparison(replace(self.view.scene.comparison, gain=GAINS[index]))

    def _play_or_pause(self) -> None:
        self.timeline.set_playing(not self.timeline.playing and self.info is not None)

    def _play(self, direction: int) -> None:
        if self.info is not None:
            self.timeline.play(direction)

    # -- clip ---------------------------------------------------------------------------------------------------

    def open_clip(self, path: Path, clip: str = "", rate: Fraction | None = None) -> None:
        """Open a clip; answered by `clip_opened` or `clip_failed`.

        Args:
            path: where it is.
            clip: names it; its results and how it was looked at are kept under this name, without one they are forgotten.
            rate: frames per second of a sequence of pictures, if not what they say themselves.
        """
        self._leave_clip()
        self._turn_to(clip)
        self.view.show_placeholder(Placeholder("busy", self.tr("Opening {name} …").format(name=path.name)))
        self.source.open(path, rate)

    def close_clip(self) -> None:
        """Show nothing."""
        self._leave_clip()
        self._turn_to("")
        self.view.show_empty()
        self.source.close()

    def name_clip(self, clip: str) -> None:
        """Store the open clip's view under another name, and show the results stored there."""
        self._keep_view()
        self._turn_to(clip)
        self._show_view()
        self._refresh()

    def forget(self, clip: str) -> None:
        """Forget results and view of a clip."""
        self._results.forget(clip)
        self._views.pop(clip, None)

    def _turn_to(self, clip: str) -> None:
        if not clip:
            self.forget(clip)
        self._results.turn_to(clip)
        self._finished = range(0)
        self._update_choices()
        self._show_restored()

    def _leave_clip(self) -> None:
        self._keep_view()
        self.info = None
        self._offer_stills(())
        self.timeline.set_playing(False)
        self.timeline.clear()
        self.sound.set_clip(None)
        self.tiling.set_grid(None)

    def _keep_view(self) -> None:
        if self.info is not None and self._results.clip:
            part_only = self.timeline.part_only
            self._views[self._results.clip] = ClipView(self.timeline.range, self.view.scene.viewport, self.region, part_only)

    def _show_view(self) -> None:
        """Show the clip as it was left, if it was seen before and is as long as then."""
        view = self._views.get(self._results.clip)
        if view and self.info and view.range.frames == self.info.frames:
            self.timeline.show_again(view.range, view.part_only)
            self.view.show_again(view.viewport, view.region)
            self.source.request(view.range.current)

    def set_scale(self, scale: float) -> None:
        """How many times wider and higher results are than the input."""
        changed, self._scale = scale != self._scale, scale
        if self.info is not None and changed:
            self._show_geometry(self.info)
            self._refresh()

    def go_to(self, frame: int) -> None:
        """See another frame."""
        self.timeline.go_to(frame)

    @property
    def chosen_frames(self) -> tuple[int, int] | None:
        """First and last frame of the chosen part, ``None`` when it is the whole clip or nothing is open."""
        chosen = self.timeline.range
        return None if self.info is None or chosen.is_whole else (chosen.first, chosen.last)

    @property
    def region(self) -> Region | None:
        """The selected part of the picture."""
        return self.view.scene.region

    def visible_region(self) -> Region | None:
        """The part of the picture that is seen, ``None`` when nothing is open."""
        return self.view.visible_region() if self.info is not None else None

    def _on_opened(self, info: "VideoInfo", times: FrameTimes) -> None:
        self.info = info
        self._show_geometry(info)
        self.timeline.set_clip(times)
        self.sound.set_clip(info)
        self.source.request(0)
        self._show_view()
        self.clip_opened.emit(info)

    def _show_geometry(self, info: "VideoInfo") -> None:
        """Tapes and DVDs have pixels that are not square; an aspect beyond any real one is ignored."""
        aspect = float(info.sample_aspect_ratio)
        self.view.set_clip(info.width, info.height, self._scale, aspect if 1 / WIDEST <= aspect <= WIDEST else 1.0)

    def _on_failed(self, message: str) -> None:
        """The clip, or the frame wanted of an open one, cannot be read."""
        title = self.tr("This clip cannot be opened") if self.info is None else self.tr("This frame cannot be shown")
        self.timeline.set_playing(False)
        self.view.show_placeholder(Placeholder("error", title, engine_words(message)))
        if self.info is None:
            self.clip_failed.emit(message)

    def _on_frame_ready(self, frame: int) -> None:
        self.timeline.track.set_cached(self.source.cached())
        if frame == self.timeline.range.current:
            self._refresh()

    def _on_frame_changed(self, frame: int) -> None:
        self.source.request(frame)
        self._refresh()
        self.frame_changed.emit(frame)

    # -- results ------------------------------------------------------------------------------------------------

    def show_result(self, variant: str, frame: PreviewFrame, scale: float | None = None, clip: str | None = None) -> None:
        """Keep a frame of a result and show it when it is the one that is seen.

        Args:
            variant: which result it is.
            frame: the frame.
            scale: how many times larger than the input, if not as set.
            clip: the name of its clip, if it may be another than the one that is seen.
        """
        if clip is not None and clip != self._results.clip:
            self._results.put(variant, frame, scale or self._scale, clip)
            return
        known = variant in self._results.variants
        self._results.put(variant, frame, scale or self._scale)
        if not known:
            self._update_choices(variant)
        self._show_restored()
        if frame.frame == self.timeline.range.current:
            self._refresh()

    def mark_result(self, frames: range) -> None:
        """Mark the frames of a finished result, each of which is decoded only when it is looked at."""
        self._finished = frames
        self._show_restored()

    def clear_results(self, variant: str | None = None) -> None:
        """Forget a variant's frames, or all."""
        self._results.clear(variant)
        self._update_choices()
        self._show_restored()
        self._refresh()

    def set_mode(self, mode: CompareMode) -> None:
        """Compare in another way."""
        self.mode_actions[mode].setChecked(True)
        self.gain_box.setVisible(mode == CompareMode.DIFFERENCE)
        self.view.set_comparison(replace(self.view.scene.comparison, mode=mode, swapped=False))

    def begin_comparing(self) -> None:
        """Show the first result where its benefit is seen, by the wipe at 1:1, unless the user has chosen a way to compare."""
        if not self._mode_chosen:
            self._mode_chosen = True
            self.set_mode(CompareMode.WIPE)
            self.view.enlarge_to_pixels()

    def _on_mode_chosen(self, mode: CompareMode) -> None:
        """Compare in another way; the next keys go to the picture, unless the user moves between the buttons by keyboard."""
        self._mode_chosen = True
        self.set_mode(mode)
        # a click goes on in the picture; Tab and Space go on among the buttons
        if not self.toolbar.button(self.mode_actions[mode]).hasFocus():
            self.view.setFocus()

    def _update_choices(self, newest: str | None = None) -> None:
        """Offer the input and all variants; a ``newest`` one comes to the right."""
        variants = self._results.variants
        for box, texts, wanted in (
            (self.left_box, ["", *variants], self.left_box.currentData()),
            (self.right_box, variants or [DEFAULT_VARIANT], newest or self.right_box.currentData()),
        ):
            # filling the list is no choice of the user's
            with QSignalBlocker(box):
                box.clear()
                for variant in texts:
                    box.addItem(self._label(variant), variant)
                box.setCurrentIndex(max(0, box.findData(wanted)))
        self.choices.setVisible(len(variants) > 1)

    def _show_restored(self) -> None:
        variant = self.right_box.currentData()
        finished = self._finished if variant == self.running_variant else range(0)
        self.timeline.track.set_restored(self._results.frames(variant), finished)

    def _label(self, variant: str) -> str:
        if not variant:
            return self.tr("Original")
        if variant == DEFAULT_VARIANT:
            return self.tr("Restored")
        return self.tr("Preview {variant}").format(variant=variant)

    def _side(self, variant: str) -> Side:
        if not variant:
            return Side(self._label(variant), is_source=True)
        return Side(self._label(variant), result=self._results.get(variant, self.timeline.range.current))

    def _refresh(self) -> None:
        """Show the current frame as soon as it is decoded; until then the former one stays."""
        current = self.timeline.range.current
        frame = self.source.frame(current)
        if self.info is None or frame is None:
            return
        left, right = self._side(self.left_box.currentData()), self._side(self.right_box.currentData())
        self.view.show_frame(current, frame.pixels, left, right)
        self.timeline.frame_shown(current, frame.seconds)
        self._offer_stills(("frame", "original", "both") if right.result else ("frame", "original"))

    # -- stills -------------------------------------------------------------------------------------------------

    def still(self) -> Still | None:
        """The frame that is seen, ``None`` while there is none."""
        number, scene, shown = self.timeline.range.current, self.view.scene, self.right_box.currentData()
        frame = self.source.frame(number)
        if self.info is None or frame is None:
            return None
        wipe = scene.wipe_share() if scene.comparison.mode == CompareMode.WIPE else None
        names = self._label(""), self._label(shown)
        result = self._results.get(shown, number)
        return Still(number, frame.pixels, result, names, scene.viewport.aspect, scene.strength, wipe)

    def _offer_stills(self, kinds: Iterable[StillKind]) -> None:
        offered = frozenset(kinds)
        if offered != self.stills:
            self.stills = offered
            self.stills_changed.emit()

    # -- the engine's work --------------------------------------------------------------------------------------

    def set_grid(self, grid: TileGrid | None, factor: int, first_frame: int = 0, origin: tuple[int, int] = (0, 0)) -> None:
        """The tiles for the current settings; ``factor`` is output pixels per latent pixel.

        They begin at the clip's frame ``first_frame`` and at the output position ``origin`` (of a region).
        """
        self.tiling.set_grid(grid, factor, first_frame, origin)

    def set_sap_rate(self, rate: int) -> None:
        """SAP steps take a key from every ``rate``-th latent pixel along each axis."""
        self.tiling.set_sap_rate(rate)

    def on_event(self, event: Event) -> None:
        """Follow the running job."""
        match event:
            case StepStarted():
                grid = TileGrid.from_dict(event.grid)
                # an equal grid is kept: for another object the strip of windows is laid out anew
                if (grid, event.frame) != (self.tiling.grid, self.tiling.first_frame):
                    self.tiling.set_grid(grid, self.tiling.factor, event.frame, self.tiling.origin)
                self.tiling.set_step(event.kind)
            case TileStarted():
                self.tiling.set_tile_state(event.m, event.n, "running")
            case TileFinished():
                self.tiling.set_tile_state(event.m, event.n, "done")
            case FramesChosen():
                self.tiling.set_chosen_frames(event.n, event.frames)
            case PreviewFrame():
                self.show_result(self.running_variant, event)
            # tiles have states only while they are sampled
            case PhaseStarted() if event.phase != "sample":
                self.end_steps()

    def end_steps(self) -> None:
        """No sampling step runs any more."""
        self.tiling.set_step(None)

    def _on_tiling_changed(self) -> None:
        if self.view.scene.overlay_visible:
            self.view.update()

    # -- window -------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files of other programs may be dropped."""
        if local_paths(event.mimeData()) and event.source() is None:
            accept_copy(event)
            self.view.set_highlighted(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They went elsewhere."""
        self.view.set_highlighted(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand dropped files on."""
        self.view.set_highlighted(False)
        paths = local_paths(event.mimeData())
        if paths:
            accept_copy(event)
            self.files_dropped.emit(paths)

    def shutdown(self) -> None:
        """Stop the timer and the worker thread."""
        self.timeline.set_playing(False)
        self.source.shutdown()
        self.sound.shutdown()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop with the window."""
        self.shutdown()
        super().closeEvent(event)
