import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from steering import states

from app.controllers.planning import changes_for

PROBLEM = "The frames do not fit into memory: close other programs, or choose a smaller size."


@pytest.fixture
def planned(open_window, own_clip, soon):
    """Open a window with clips and the plan of the queue."""

    def open_plan(clips: int = 1, **behaviour: object):
        window = open_window(**behaviour)
        window.add_clips([own_clip] * clips)
        soon(lambda: window.preview.info is not None)
        window.action_table["restore"].trigger()
        return window

    return open_plan


def test_enter_starts_once_the_plan_is_there(planned, soon):
    window = planned()
    dialog = window.runs.plan_dialog
    dialog.activateWindow()
    soon(dialog.start_button.isEnabled)
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)
    soon(lambda: states(window) == ["done"])


def test_memory_of_the_processor_is_shown_once(planned, soon):
    window, plans = planned(), []
    window.runner.planned.connect(lambda _run, plan: plans.append(plan))
    dialog = window.runs.plan_dialog
    soon(dialog.start_button.isEnabled)

    def rows(**changes) -> list[str]:
        dialog.show_plan(plans[0].replace(**changes), window.queue.queue[0].request)
        labels = [dialog.form.itemAt(row, dialog.form.ItemRole.LabelRole) for row in range(dialog.form.rowCount())]
        return [label.widget().text() for label in labels if "emory" in label.widget().text()]

    assert rows() == ["Memory"]
    assert rows(settings=plans[0].settings.replace(device="cuda")) == ["Device memory", "Main memory"]
    assert rows(device_memory=2, device_memory_available=1) == ["Device memory", "Main memory"]
    dialog.reject()


def test_nothing_of_a_plan_is_cut(planned, soon):
    window, plans = planned(soft=2.0), []
    window.runner.planned.connect(lambda _run, plan: plans.append(plan))
    dialog = window.runs.plan_dialog
    soon(dialog.start_button.isEnabled)
    notes = ("The clip is long, and a note that says so at length takes more than one line of the dialog.",)
    for seconds in (1.0, 5000.0):
        dialog.show_plan(plans[0].replace(notes=notes, seconds=seconds), window.queue.queue[0].request)
        QTest.qWait(50)  # it is laid out anew
        soon(lambda: not cut_off(dialog))
    assert len(dialog.offer_buttons) == 1
    dialog.reject()


def cut_off(dialog) -> list[str]:
    """Texts of which not every line is seen."""
    labels = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    return [
        label.text()
        for label in labels
        if label.height() < max(label.heightForWidth(label.width()), label.fontMetrics().height())
    ]


def test_a_plan_that_grows_stays_on_the_screen(planned, soon):
    window = planned(fits_from={"scale": 2})
    dialog = window.runs.plan_dialog
    screen = dialog.screen().availableGeometry()
    dialog.move(dialog.x(), screen.bottom() - 150)
    soon(lambda: bool(dialog.offer_buttons))
    assert screen.contains(dialog.frameGeometry())
    dialog.reject()


def test_enter_does_not_cancel_while_the_plan_is_made(planned, soon):
    window = planned(deaf=True)
    dialog = window.runs.plan_dialog
    dialog.activateWindow()
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)
    assert dialog.isVisible() and window.runs.plan_dialog is dialog
    dialog.reject()


@pytest.mark.parametrize("behaviour", [{"deaf": True}, {"die_at_start": True}])
def test_a_plan_of_an_engine_that_dies_is_not_waited_for(planned, soon, behaviour):
    window = planned(**behaviour)
    dialog = window.runs.plan_dialog
    if "deaf" in behaviour:
        soon(lambda: window.engine.process_id is not None and window.engine._ready)
        os.kill(window.engine.process_id, signal.SIGKILL)
    soon(lambda: "has ended" in dialog.problems.text())
    assert dialog.busy.isHidden() and not dialog.start_button.isEnabled()
    dialog.reject()


def test_a_plan_that_does_not_fit_offers_what_does(planned, soon):
    window = planned(fits_from={"scale": 2})
    dialog = window.runs.plan_dialog
    soon(lambda: bool(dialog.offer_buttons))
    (button,) = dialog.offer_buttons
    soon(lambda: not dialog.busy.isVisible())
    assert "×2" in button.text() and "128×96" in button.text() and not dialog.start_button.isEnabled()
    button.click()
    soon(dialog.start_button.isEnabled)
    assert window.queue.queue[0].request.settings.size == "x2" and not dialog.problems.isVisible()
    assert window.settings_panel.request.settings.size == "x2"
    dialog.start_button.click()
    soon(lambda: states(window) == ["done"])


def test_a_soft_clip_may_be_reduced_first_by_a_click(planned, soon):
    window = planned(soft=2.0)
    dialog = window.runs.plan_dialog
    soon(dialog.start_button.isEnabled)
    (button,) = dialog.offer_buttons
    assert "÷2" in button.text() and dialog.offered_because.text() == "This may do better:"
    button.click()
    soon(dialog.start_button.isEnabled)
    assert window.queue.queue[0].request.settings.reduce == "2" and dialog.offer_buttons == []
    dialog.reject()


def test_the_whole_queue_is_estimated(planned, soon):
    window = planned(clips=3)
    dialog = window.runs.plan_dialog
    soon(lambda: "All 3 clips: 24 frames" in dialog.total.text())
    assert "…" not in dialog.total.text()
    dialog.reject()


def test_the_speed_is_measured_once_and_remembered(planned, open_window, own_clip, soon):
    asked: list[bool] = []
    window = planned()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    soon(lambda: "measuring" not in time_of(window))
    window.runs.plan_dialog.reject()
    plan = window.runner.plan
    window.runner.plan = lambda request, measure=True: (asked.append(measure), plan(request, measure))
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    assert "about" in time_of(window) and asked == [False]
    window.runs.plan_dialog.reject()


def time_of(window) -> str:
    form = window.runs.plan_dialog.form
    texts = {form.itemAt(row, form.ItemRole.LabelRole).widget().text(): row for row in range(form.rowCount())}
    return form.itemAt(texts["Time"], form.ItemRole.FieldRole).widget().text() if "Time" in texts else "measuring"


def test_a_clip_that_is_gone_is_said_and_the_others_start(open_window, own_clip, soon):
    gone = own_clip.with_name("gone.mp4")
    gone.write_bytes(own_clip.read_bytes())
    window = open_window()
    window.add_clips([gone, own_clip])
    soon(lambda: all(item.size for item in window.queue.queue))
    gone.unlink()
    window.action_table["restore"].trigger()
    soon(window.runs.plan_dialog.start_button.isEnabled)
    assert "gone.mp4" in window.runs.plan_dialog.problems.text() and states(window) == ["failed", "waiting"]
    window.runs.plan_dialog.start_button.click()
    soon(lambda: states(window) == ["failed", "done"])


def test_changes_keep_to_what_is_allowed(planned, soon):
    from fake_engine import FakeEngine, Script, frames_of

    from dcvsr_engine.planning.request import JobRequest

    window = planned()
    request: JobRequest = window.queue.queue[0].request
    plan = FakeEngine(Script(Path()), None).plan(request, frames_of(request))
    kinds = [kind for kind, _ in changes_for(plan)]
    assert kinds == ["size"] * (plan.settings.scale - 1)  # segments are chosen from memory already
    kinds = [kind for kind, _ in changes_for(plan.replace(device_memory=2, device_memory_available=1))]
    assert kinds.count("tiles") == 2 and "segments" not in kinds
    for _, changes in changes_for(plan):
        assert request.settings.replace(**changes)
    window.runs.plan_dialog.reject()
