from pathlib import Path

import pytest
from fake_engine import MODEL
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLabel, QMessageBox, QScrollArea

from app.settings.panel import SettingsPanel
from app.settings.presets import Presets
from app.system.result_rule import UNKNOWN, SourceFacts
from app.widgets.section import CollapsibleSection
from dcvsr_engine.diffusion.schedule import step_kinds
from dcvsr_engine.events import StepKind
from dcvsr_engine.models import registry
from dcvsr_engine.models.registry import KnownModel
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RESEARCH_SETTINGS, OutputSettings, RestoreSettings


@pytest.fixture
def model_folder(tmp_path) -> Path:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "dcvsr.json").write_text(MODEL.to_json())
    return tmp_path / "fake"


@pytest.fixture
def panel(qtbot, tmp_path, model_folder) -> SettingsPanel:
    """The panel with a model of 6 steps."""
    panel = SettingsPanel(Presets(tmp_path / "presets"))
    qtbot.addWidget(panel)
    panel.show_models([KnownModel(str(model_folder), model_folder, MODEL)])
    panel.show_request(JobRequest(source=Path("clip.mp4"), settings=RestoreSettings(model=str(model_folder))))
    panel.show()
    return panel


def field(panel, name):
    return panel.rows[name].editor.field


def test_every_setting_has_a_control(panel):
    shown = set(panel.rows) | {"model"}
    assert shown == set(RestoreSettings.specs()) | set(OutputSettings.specs())


def test_settings_for_research_have_a_section_that_says_how_many_are_changed(panel):
    section = panel.sections["research"]
    assert not section.is_open and all(section.isAncestorOf(panel.rows[name]) for name in RESEARCH_SETTINGS)
    assert section.summary.whole == "as the method says"
    field(panel, "karras_rho").setValue(5.0)
    assert panel.request.settings.karras_rho == 5.0 and section.summary.whole == "1 changed"


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [
        ("steps", 12, 12),
        ("gamma_rho", 0.25, 0.25),
        ("guidance_scale", 3.5, 3.5),
        ("seed", 7, 7),
        ("overlap", 0.25, 0.25),
        ("tile", 96, 96),
    ],
)
def test_numbers_are_typed(panel, qtbot, name, typed, stored):
    with qtbot.waitSignal(panel.request_changed) as changed:
        field(panel, name).setValue(typed)
    assert getattr(changed.args[0].settings, name) == stored


def test_what_is_not_allowed_is_explained_and_nothing_of_it_is_taken_over(panel, qtbot):
    panel.open_these_groups(["more", "guidance"])
    before = panel.request.settings.steps
    field(panel, "steps").setFocus()
    field(panel, "steps").selectAll()
    QTest.keyClicks(field(panel, "steps"), "500")
    assert panel.request.settings.steps == before
    QTest.keyClick(field(panel, "steps"), Qt.Key.Key_Return)
    assert panel.rows["steps"].problem.isVisible() and "between 1 and 200" in panel.rows["steps"].problem.text()
    assert panel.rows["steps"].problem.text().startswith("Steps") and field(panel, "steps").value() < 500
    assert panel.request.settings.steps == before
    field(panel, "steps").selectAll()
    QTest.keyClicks(field(panel, "steps"), "50")
    QTest.keyClick(field(panel, "steps"), Qt.Key.Key_Return)
    assert panel.request.settings.steps == 50
    assert not panel.rows["steps"].problem.isVisible()


def test_sliders_reach_both_ends_and_steps(panel):
    slider = panel.rows["gamma_rho"].editor.slider
    slider.setValue(slider.minimum())
    assert panel.request.settings.gamma_rho == 0.05
    slider.setValue(slider.maximum())
    assert panel.request.settings.gamma_rho == 8.0
    panel.rows["gamma_rho"].reset.click()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert panel.request.settings.gamma_rho == 0.55
    QTest.keyClick(slider, Qt.Key.Key_Left)
    assert panel.request.settings.gamma_rho == 0.5


def test_arrow_keys_stop_at_the_ends(panel):
    for _ in range(9):
        field(panel, "tap_frames").stepBy(-1)
    assert panel.request.settings.tap_frames == 1 and not panel.rows["tap_frames"].problem.isVisible()


def test_choices_and_flags(panel):
    box = panel.rows["sap_schedule"].editor
    box.setCurrentIndex(box.findData("cached"))
    panel.rows["tap"].editor.click()
    codec = panel.rows["codec"].editor
    codec.setCurrentIndex(codec.findData("ffv1"))
    request = panel.request
    assert (request.settings.sap_schedule, request.settings.tap, request.output.codec) == ("cached", False, "ffv1")


def test_the_models_default_is_shown_marked_and_not_stored(panel):
    panel.open_these_groups(["more", "guidance"])
    assert field(panel, "steps").value() == MODEL.steps and panel.request.settings.steps is None
    assert not panel.rows["steps"].reset.isVisible()
    field(panel, "steps").setValue(20)
    assert panel.rows["steps"].reset.isVisible()
    panel.rows["steps"].reset.click()
    assert panel.request.settings.steps is None and field(panel, "steps").value() == MODEL.steps


def test_a_check_box_shows_the_models_default_which_another_model_changes(panel, monkeypatch):
    panel.open_these_groups(["more", "propagation"])
    tap, frames = panel.rows["tap"], panel.rows["tap_frames"]
    assert tap.editor.isChecked() and panel.request.settings.tap is None and not tap.reset.isVisible()
    monkeypatch.setattr("app.settings.panel.declared", lambda name: MODEL.replace(name=name, sap=False, tap=False))
    panel.choose_model("plain")
    assert not tap.editor.isChecked() and not tap.reset.isVisible()
    assert not frames.isEnabled() and "TAP is off" in frames.toolTip()
    assert set(panel.strip.kinds) == {StepKind.PLAIN}
    tap.editor.click()
    assert panel.request.settings.tap is True and tap.reset.isVisible() and frames.isEnabled()
    assert StepKind.TAP_FORWARD in panel.strip.kinds
    tap.reset.click()
    assert panel.request.settings.tap is None and not tap.editor.isChecked()


def test_settings_without_effect_are_greyed_out(panel):
    guidance = panel.rows["guidance"].editor
    guidance.setCurrentIndex(guidance.findData("none"))
    assert not any(panel.rows[name].isEnabled() for name in ("guidance_scale", "gamma_peak", "gamma_rho", "gamma_direction"))
    guidance.setCurrentIndex(guidance.findData("dssag"))
    assert panel.rows["gamma_peak"].isEnabled()
    panel.rows["sap"].editor.click()
    assert not panel.rows["sap_rate"].isEnabled() and panel.rows["tap_frames"].isEnabled()


def test_curve_and_strip_follow_the_engines_own_schedule(panel):
    field(panel, "steps").setValue(8)
    field(panel, "gamma_peak").setValue(2)
    assert list(panel.strip.kinds) == step_kinds(8, panel.model.resolve(panel.request.settings))
    assert len(panel.curve.values) == 8 and panel.curve.values[0] == pytest.approx(2.0) and panel.curve.values[-1] == 0
    guidance = panel.rows["guidance"].editor
    guidance.setCurrentIndex(guidance.findData("cfg"))
    assert not panel.curve.values.any()


def test_a_long_choice_ends_in_dots_and_a_short_one_does_not(panel):
    panel.open_these_groups(panel.sections)
    order = panel.rows["order"].editor
    order.setCurrentIndex(order.findData("bricks"))
    panel.resize(346, 2000)
    assert order.shown_text.startswith("Every other one") and order.shown_text.endswith("…")
    order.setCurrentIndex(order.findData("chain"))
    assert order.shown_text == order.currentText() == "One after the other"


def test_presets_are_applied_recognised_saved_and_removed(panel, tmp_path):
    box = panel.preset_box
    assert box.currentText() == "Balanced"
    box.activated.emit(box.findData("Paper"))
    assert panel.request.settings.steps == 25 and box.currentData() == "Paper"
    field(panel, "gamma_peak").setValue(1.5)
    assert box.currentData() is None
    panel.save_preset("Mine")
    assert box.currentData() == "Mine" and panel.remove_preset_action.isEnabled()
    assert [path.name for path in (tmp_path / "presets").iterdir()] == ["mine.json"]
    panel.remove_preset_action.trigger()
    assert box.findData("Mine") < 0


def test_a_preset_without_a_name_of_its_own_is_refused_in_words(panel):
    panel.save_preset("Fast")
    (box,) = panel.findChildren(QMessageBox)
    assert box.text() == "The preset was not saved." and "name of its own" in box.informativeText()


def name_preset(panel, name):
    panel.save_preset_action.trigger()
    dialog = next(child for child in panel.findChildren(QInputDialog) if child.isVisible())
    dialog.setTextValue(name)
    dialog.accept()


def test_asking_for_a_presets_name(panel):
    field(panel, "gamma_peak").setValue(1.5)
    name_preset(panel, "Tapes")
    assert panel.preset_box.currentData() == "Tapes"


@pytest.mark.parametrize(("answer", "peak"), [("Keep it", 1.5), ("Replace", 0.5)])
def test_a_preset_is_not_replaced_silently(panel, answer, peak):
    for value in (1.5, 0.5):
        field(panel, "gamma_peak").setValue(value)
        name_preset(panel, "Tapes")
    (box,) = panel.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text() == answer).click()
    panel._apply_preset("Tapes")
    assert panel.request.settings.gamma_peak == peak


def test_a_preset_that_does_what_another_does_can_be_chosen_and_removed(panel):
    name_preset(panel, "As it is")
    assert panel.preset_box.currentData() == "As it is"
    panel.preset_box.activated.emit(panel.preset_box.findData("Balanced"))
    assert panel.preset_box.currentData() == "Balanced"
    panel.preset_box.activated.emit(panel.preset_box.findData("As it is"))
    panel.remove_preset_action.trigger()
    assert panel.preset_box.currentData() == "Balanced" and panel.preset_box.findData("As it is") < 0


def test_the_result_can_be_named(panel):
    panel.target_field.setText("/somewhere/out.mkv")
    panel.target_field.editingFinished.emit()
    assert panel.request.target == Path("/somewhere/out.mkv")
    panel.target_field.clear()
    panel.target_field.editingFinished.emit()
    assert panel.request.target is None


def test_all_goes_back_to_the_defaults_but_the_model(panel, model_folder):
    field(panel, "gamma_peak").setValue(3)
    panel.rows["audio"].editor.click()
    panel.reset_all()
    assert panel.request.settings == RestoreSettings(model=str(model_folder)) and panel.request.output == OutputSettings()


def test_locked_settings_can_be_read_but_not_changed(panel):
    panel.lock("It runs.")
    assert not panel.rows["steps"].isEnabled() and panel.note.text() == "It runs."
    panel.lock("")
    assert panel.rows["steps"].isEnabled() and not panel.note.isVisible()


def test_a_model_that_is_gone_is_named_and_does_no_harm(panel):
    panel.show_request(JobRequest(source=Path(), settings=RestoreSettings(model="vanished")))
    assert "not installed" in panel.model_box.currentText()


def test_the_built_in_model_is_understood(panel):
    panel.show_request(JobRequest(source=Path()))
    assert registry.model_folder("compact").is_dir() and panel.model.name == "compact"


def test_the_wheel_does_not_change_what_it_scrolls_over(panel):
    slider = panel.rows["steps"].editor.slider
    before, at = slider.value(), QPointF(5, 5)
    buttons = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        at, QPointF(slider.mapToGlobal(at)), QPoint(), QPoint(0, 120), *buttons, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(slider, event)
    assert slider.value() == before


def test_sections_fold_and_say_what_is_in_them(panel, qtbot):
    section = panel.sections["guidance"]
    assert not section.is_open and "DSSAG" in section.summary.whole
    with qtbot.waitSignal(panel.groups_changed) as changed:
        section.header.click()
    assert section.is_open and changed.args == [["guidance"]] and section.summary.whole == ""
    panel.open_these_groups(["tiles"])
    assert panel.open_groups == ["tiles"]


def test_any_size_can_be_typed_and_a_wrong_one_is_explained(panel):
    editor = panel.rows["size"].editor
    for typed, kept in (("2560×1440", "2560x1440"), ("4K", "4k"), ("automatic, up to 4k", "auto")):
        editor.setEditText(typed)
        editor.lineEdit().editingFinished.emit()
        assert panel.request.settings.size == kept
        assert not panel.rows["size"].problem.isVisible()
    for wrong in ("0", "20000x20000", "as large as you can"):
        editor.setEditText(wrong)
        editor.lineEdit().editingFinished.emit()
        assert panel.rows["size"].problem.isVisible() and panel.request.settings.size == "auto"
        assert wrong in panel.rows["size"].problem.text() and editor.currentText() == "Automatic, up to 4K"


def test_beginners_words_come_first_and_the_papers_under_more(panel):
    more = panel.sections["more"]
    assert not any(more.isAncestorOf(panel.rows[name]) for name in ("size", "strength", "codec", "crf", "overwrite"))
    assert all(more.isAncestorOf(panel.rows[name]) for name in ("steps", "guidance", "tap", "tile", "color", "spread"))
    assert [label.text() for label in panel.rows["strength"].editor.findChildren(QLabel)] == ["Calm", "Detailed"]


def test_every_control_explains_itself(panel):
    for name, row in panel.rows.items():
        owner = RestoreSettings if name in RestoreSettings.specs() else OutputSettings
        *reasons, doc = row.toolTip().splitlines()
        assert doc == owner.specs()[name].doc
        assert bool(reasons) == (name in ("perturbation", "flat"))  # with SAG and PAG only, and without SAP and TAP


def test_codecs_of_a_gpu_can_be_chosen_only_where_it_is(panel):
    editor = panel.rows["codec"].editor

    def able(codec):
        return editor.model().item(editor.findData(codec)).isEnabled()

    assert able("h264") and not able("h264_nvenc") and not able("hevc_nvenc")
    panel.forbid_codecs(("h264_nvenc", "h265"))
    assert able("h264") and not able("h264_nvenc") and able("hevc_nvenc") and not able("h265")


# -- what acts --------------------------------------------------------------------------------------------------


def choose(panel, name: str, value: object) -> None:
    editor = panel.rows[name].editor
    editor.setCurrentIndex(editor.findData(value))


def test_choosing_a_guidance_sets_its_scale_and_none_resets_it(panel):
    choose(panel, "guidance", "dssag")
    assert panel.model.resolve(panel.request.settings).guidance_scale == 2.0
    assert panel.rows["gamma_peak"].isEnabled()
    choose(panel, "guidance", "none")
    assert panel.model.resolve(panel.request.settings).guidance_scale == 1.0
    assert not panel.rows["guidance_scale"].isEnabled()


def test_what_has_no_effect_is_disabled_and_says_why(panel):
    choose(panel, "guidance", "dssag")
    field(panel, "steps").setValue(8)
    assert all(panel.rows[name].isEnabled() for name in ("sap", "sap_rate", "gamma_peak", "gamma_rho"))
    field(panel, "guidance_scale").setValue(1)
    assert not panel.rows["gamma_peak"].isEnabled() and "scale 1" in panel.rows["gamma_peak"].toolTip()
    field(panel, "guidance_scale").setValue(2)
    field(panel, "steps").setValue(1)
    assert not panel.rows["sap"].isEnabled() and "one step" in panel.rows["sap"].toolTip()
    assert not panel.rows["gamma_rho"].isEnabled() and panel.rows["gamma_peak"].isEnabled()
    assert not panel.rows["solver"].isEnabled() and "three steps" in panel.rows["solver"].toolTip()
    field(panel, "steps").setValue(4)
    assert panel.rows["solver"].isEnabled()
    assert panel.rows["sap"].isEnabled() and "one step" not in panel.rows["sap"].toolTip()


def test_cfg_is_offered_only_where_the_model_drops_something(panel):
    from dcvsr_engine.diffusion.branch import is_distinct

    editor = panel.rows["guidance"].editor
    item = editor.model().item(editor.findData("cfg"))
    assert item.isEnabled() == is_distinct(panel.model)
    assert bool(item.toolTip()) != item.isEnabled()


# -- sliders and the output file --------------------------------------------------------------------------------


def test_a_click_on_the_groove_goes_at_least_one_step_and_leaves_no_handle_between(panel, qtbot):
    editor = panel.rows["tap_frames"].editor
    editor.field.setValue(4)
    editor.slider.triggerAction(editor.slider.SliderAction.SliderPageStepSub)
    assert editor.field.value() == 3 and editor.slider.value() == editor._position(3)
    editor.slider.triggerAction(editor.slider.SliderAction.SliderPageStepAdd)
    assert editor.field.value() == 4 and editor.slider.value() == editor._position(4)


def test_a_dragged_handle_comes_to_rest_at_its_value(panel):
    editor = panel.rows["tap_frames"].editor
    editor.slider.setSliderDown(True)
    editor.slider.setValue(700)
    editor.slider.setSliderDown(False)
    assert editor.slider.value() == editor._position(editor.field.value())


def test_the_output_dialog_proposes_the_name_of_the_result(panel, tmp_path):
    source = tmp_path / "clip.avi"
    source.touch()
    panel.show_request(panel.request.replace(source=source))
    panel.choose_target()
    (dialog,) = panel.findChildren(QFileDialog)
    assert [Path(name).name for name in dialog.selectedFiles()] == ["clip_x4.mp4"]
    assert not dialog.testOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.reject()


def test_the_clip_itself_is_refused_as_its_result(panel, tmp_path):
    source = tmp_path / "clip.mp4"
    source.touch()
    panel.show_request(panel.request.replace(source=source))
    panel.take_target(source, replace=True)
    assert panel.request.target is None and "its own clip" in panel.target_problem.text()


def test_replacing_a_file_is_agreed_to_in_the_dialog_and_warned_of_when_typed(panel, tmp_path):
    existing = tmp_path / "there.mp4"
    existing.touch()
    panel.show_request(panel.request.replace(source=tmp_path / "clip.mp4"))
    panel.take_target(existing, replace=False)
    assert "exists" in panel.target_problem.text() and not panel.request.output.overwrite
    panel.take_target(existing, replace=True)
    assert panel.request.target == existing and panel.request.output.overwrite and not panel.target_problem.text()


def test_nothing_is_cut_off_at_the_side(panel, qtbot):
    """However narrow the panel is made, and whatever is unfolded."""
    panel.resize(100, 600)
    area = panel.findChild(QScrollArea)
    for section in panel.findChildren(CollapsibleSection):
        section.set_open(True)
    qtbot.waitUntil(lambda: panel.minimumSizeHint().width() >= area.widget().minimumSizeHint().width())
    panel.resize(panel.minimumSizeHint())
    qtbot.waitUntil(lambda: area.viewport().width() >= area.widget().minimumSizeHint().width())


def test_tracks_that_do_not_fit_are_asked_about_only_where_there_are_any(panel):
    row = panel.rows["unfit_tracks"]
    assert row.isHidden()
    panel.note_facts(SourceFacts(losses={".mp4": 2, ".mkv": 0, ".mov": 2}, unfit={".mp4": ["The audio track 1 is left out."]}))
    assert panel.target_field.placeholderText().endswith(".mkv") and row.isHidden(), "all fits into the default container"
    panel.take_target(Path("/somewhere/out.M4V"), replace=False)
    assert not row.isHidden() and row.problem.text() == "The audio track 1 is left out."
    panel.take_target(Path("/somewhere/out.mkv"), replace=False)
    assert row.isHidden()
    choose(panel, "unfit_tracks", "drop")
    assert not row.isHidden() and row.problem.text() == "", "a change is to be seen"
    panel.note_facts(UNKNOWN)
    row.reset.click()
    assert row.isHidden()
