"""What the Models menu does in the window: models dropped among clips, and the default that the next clip starts with."""

import shutil

import pytest

from app.system.preferences import Preferences
from dcvsr_engine.models import registry
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.store import remove_model
from dcvsr_engine.resources import resource


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def test_a_model_dropped_among_clips_is_imported_and_offered(open_window, clip, tmp_path, qtbot):
    folder = shutil.copytree(resource("models", "compact"), tmp_path / "mine")
    declaration = folder / "dcvsr.json"
    declaration.write_text(declaration.read_text().replace('"name": "compact"', '"name": "mine"'))
    window = open_window(start=False)
    window.add_clips([folder, clip])
    assert [item.request.source for item in window.queue.queue] == [clip]
    qtbot.waitUntil(lambda: window.models.dialog.work is None)
    assert window.settings_panel.model_box.findData("mine") >= 0


def test_a_folder_that_is_no_model_is_said_to_be_none(open_window, tmp_path):
    window = open_window(start=False)
    window.models.add_folder(tmp_path)
    dialog = window.models.dialog
    assert dialog.isVisible() and not dialog.use_button.isEnabled()
    assert str(tmp_path) in dialog.facts.toPlainText() and "dcvsr.json" in dialog.facts.toPlainText()


def test_the_next_clip_starts_with_the_default(open_window, folders):
    import_model(resource("models", "compact"), "second")
    registry.set_default("second")
    window = open_window(start=False)
    assert window.settings_panel.request.settings.model == "second"
    remove_model("second")
    preferences = Preferences(folders.preferences)
    preferences.begin_with(registry.chosen_default())
    assert preferences.restore.model == "second"  # as it was left; the panel marks it as not installed


def test_a_window_that_closes_ends_the_work(open_window, tmp_path):
    window = open_window(start=False)
    dialog = window.models.open()
    dialog.verify()
    work = dialog.work
    window.session.quit_now()
    assert work is None or work.isFinished()
