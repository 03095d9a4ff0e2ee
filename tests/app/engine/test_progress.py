import pytest
from fake_engine import FakeEngine, Script, frames_of
from PySide6.QtGui import QAction

from app.engine.progress import ProgressPanel
from app.engine.runner import Activity, EngineRun
from app.widgets.formats import PERMILLE
from dcvsr_engine.events import FrameDone, MemoryUsed, PhaseStarted, StepKind, StepStarted, TileStarted
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RestoreSettings

NAMES = ("preview", "restore", "pause", "cancel", "stop")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def running(qtbot, clip, tmp_path):
    """A panel that shows a job with some steps, and its clock."""

    def show(steps: int):
        clock = Clock()
        panel = ProgressPanel({name: QAction(name) for name in NAMES}, clock)
        qtbot.addWidget(panel)
        panel.show()
        request = JobRequest(source=clip, settings=RestoreSettings(steps=steps))
        plan = FakeEngine(Script(tmp_path, tile_seconds=1.0), None).plan(request, frames_of(request))
        panel.begin(EngineRun("job", request, item="job"))
        panel.show_plan(plan)
        return panel, plan, clock

    return show


def test_a_single_step_shows_no_strip_that_looks_like_a_full_bar(running):
    assert not running(1)[0].strip.isVisible()
    assert running(4)[0].strip.isVisible()


def test_words_of_the_paper_are_left_out_where_there_is_one_step(running):
    for steps, word in ((1, "restoring"), (4, "step 1/4 SAP")):
        panel, plan, _ = running(steps)
        assert "starting" in panel.title.whole
        panel.on_event(StepStarted(0, 0, steps, StepKind.SAP, 1.0, 0.0, plan.grid.to_dict(), 0))
        assert word in panel.title.whole and ("SAP" in panel.title.whole) is (steps > 1)


def test_the_bar_moves_while_a_batch_is_denoised(running):
    panel, plan, clock = running(4)
    panel.on_event(PhaseStarted("sample", 0, 1, 4 * len(plan.grid)))
    for tile in plan.grid:
        panel.on_event(TileStarted(tile.m, tile.n))
    panel._show_times()
    before = panel.bar.value()
    clock.now += 2
    panel._show_times()
    assert panel.bar.value() > max(0, before) and panel.percent.text() != "0%"


def test_the_bar_is_empty_until_something_is_measured_and_then_follows_the_preparation(running):
    panel, plan, clock = running(1)
    assert panel.bar.isVisible() and (panel.bar.maximum(), panel.bar.value()) == (PERMILLE, 0)
    panel.on_event(PhaseStarted("encode", 0, 1, 8))
    clock.now += plan.seconds / 4
    panel.on_event(FrameDone(1, 8))
    panel._show_times()
    assert panel.bar.value() == pytest.approx(PERMILLE / 4, abs=1)


def test_a_pause_says_only_what_is_so(running):
    panel, _, _ = running(4)
    run = EngineRun("job", JobRequest(source=panel_source(panel)))
    panel.on_event(MemoryUsed("cpu", 1, 2))
    panel.show_activity(Activity.PAUSED, run)
    assert "paused" in panel.title.whole and "free" not in panel.title.whole
    panel.on_event(MemoryUsed("cuda", 1, 2))
    panel.show_activity(Activity.PAUSED, run)
    assert "GPU memory is free" in panel.title.whole


def panel_source(panel: ProgressPanel):
    from pathlib import Path

    return Path(panel._name)
