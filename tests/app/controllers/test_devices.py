import pytest
from steering import boxes, press, without_plan

from app.controllers.devices import installed_version
from dcvsr_engine.worker.messages import DeviceFacts, JobCancelled, Ready, RunJob

CPU = DeviceFacts("cpu", "processor, 2 threads", 8 << 30)
CARDS = DeviceFacts("cuda:0", "RTX & Co", 24 << 30), DeviceFacts("cuda:1", "RTX 3060", 12 << 30)


@pytest.fixture
def window(open_window, clock):
    window = without_plan(open_window(start=False))
    window.runner.ready.emit(Ready("1", "2", (DeviceFacts("cuda", "RTX & Co", 24 << 30), CPU, *CARDS)))
    return window


def entries(window):
    """Text of every device in the menu, and whether it is checked."""
    window.devices.menu.aboutToShow.emit()
    return {action.text(): action.isChecked() for action in window.devices.menu.actions() if not action.isSeparator()}


def choose(window, text):
    window.devices.menu.aboutToShow.emit()
    next(action for action in window.devices.menu.actions() if action.text() == text).trigger()


def devices(window):
    return [item.request.settings.device for item in window.queue.queue]


def test_one_device_or_several_cards_are_chosen_for_all_that_waits_and_comes(window, own_clip):
    window.add_clips([own_clip, own_clip])
    assert entries(window) == {
        "Automatic": True,
        "Processor · 8 GB": False,
        "RTX && Co · 24 GB": False,
        "RTX 3060 · 12 GB": False,
    }
    choose(window, "RTX && Co · 24 GB")
    choose(window, "RTX 3060 · 12 GB")
    assert devices(window) == ["cuda:0,cuda:1"] * 2 and window.preferences.restore.device == "cuda:0,cuda:1"
    assert [text for text, checked in entries(window).items() if checked] == ["RTX && Co · 24 GB", "RTX 3060 · 12 GB"]
    assert window.settings_panel.rows["device"].editor.currentText() == "RTX & Co · 24 GB + RTX 3060 · 12 GB"
    choose(window, "Processor · 8 GB")
    assert devices(window) == ["cpu"] * 2
    window.action_table["undo"].trigger()
    assert devices(window) == ["auto"] * 2  # choices that follow each other soon are one edit


def test_a_clip_that_runs_keeps_its_device(window, own_clip):
    window.add_clips([own_clip, own_clip])
    window.queue.set_state(window.queue.queue[0].id, "running")
    choose(window, "Processor · 8 GB")
    assert devices(window) == ["auto", "cpu"]
    window.queue.set_state(window.queue.queue[0].id, "cancelled")


def test_without_a_clip_the_choice_is_for_those_to_come(window, own_clip):
    choose(window, "Processor · 8 GB")
    assert window.settings_panel.request.settings.device == "cpu" and entries(window)["Processor · 8 GB"]
    window.add_clips([own_clip])
    assert devices(window) == ["cpu"]


# -- the farm ---------------------------------------------------------------------------------------------------


def entered(window, soon):
    window.action_table["farm"].trigger()
    window.devices.dialog.start_button.click()
    soon(lambda: bool(window.devices.link.view.rows))


def left(window, soon):
    window.devices.dialog.leave_button.click()
    soon(lambda: window.devices.link.view.state == "out")


def places(window):
    return {name: window.action_table[f"place.{name}"].isChecked() for name in ("here", "farm")}


def test_clips_are_restored_on_a_farm_from_when_it_is_entered_until_it_is_left_or_the_user_says_otherwise(farm, window, soon):
    assert places(window) == {"here": True, "farm": False} and not window.action_table["place.farm"].isEnabled()
    entered(window, soon)
    assert window.runner.farm == "127.0.0.1:6380" and places(window) == {"here": False, "farm": True}
    assert window.action_table["place.farm"].text() == "Restore on the &farm at 127.0.0.1:6380"
    assert window.devices.dialog.use_box.isChecked()
    window.action_table["place.here"].trigger()
    assert not window.runner.farm and not window.devices.dialog.use_box.isChecked()
    window.devices.dialog.use_box.click()
    assert window.runner.farm and places(window) == {"here": False, "farm": True}
    left(window, soon)
    assert not window.runner.farm and places(window) == {"here": True, "farm": False}


def test_a_farm_that_is_lost_stays_chosen_so_that_nothing_begins_that_would_take_days_here(farm, window, soon):
    entered(window, soon)
    window.devices.link._node.write(b"end\n")
    window.devices.link._node.closeWriteChannel()
    soon(lambda: window.devices.link.view.state == "out")
    assert window.runner.farm == "127.0.0.1:6380" and "first computer is gone" in window.devices.dialog.message.text()
    window.devices.dialog.use_box.click()
    assert not window.runner.farm


def test_the_engine_is_told_the_farm_and_the_folder_that_all_see(farm, window, own_clip, soon, monkeypatch):
    sent = []
    monkeypatch.setattr(window.engine, "send", sent.append)
    monkeypatch.setattr(window.runner, "restart_engine", lambda: None)
    window.preferences.plan_first = True  # a plan is for this computer
    window.add_clips([own_clip])
    entered(window, soon)
    window.action_table["restore"].trigger()
    (command,) = [command for command in sent if isinstance(command, RunJob)]
    assert command.farm == "127.0.0.1:6380" and command.folder.parent == own_clip.parent
    assert window.runner.current.farm and "clip.mp4 on the farm" in window.progress.title.text()
    command.folder.mkdir()
    (command.folder / "unit-00000.video").touch()
    window.engine.received.emit(JobCancelled(command.job, command.folder))
    window.action_table["place.here"].trigger()
    window.action_table["resume"].trigger()
    (_, again) = [command for command in sent if isinstance(command, RunJob)]
    assert again.farm == "" and again.folder == command.folder
    window.engine.received.emit(JobCancelled(command.job, command.folder))


def test_versions_of_this_computer_are_those_that_are_known(window, monkeypatch):
    monkeypatch.setattr("app.controllers.devices.installed_version", lambda package: "")
    assert set(window.devices.versions()) == {"dcvsr", "Python", "PyTorch"} and window.devices.versions()["PyTorch"] == "2"
    assert installed_version("pytest") == pytest.__version__ and installed_version("no-such-package") == ""


def test_a_computer_in_a_farm_stays_awake_and_does_not_leave_unawares(farm, window, soon):
    entered(window, soon)
    soon(lambda: window.unattended._awake.held)
    assert "in a farm" in window.progress.status.text()
    assert not window.session.may_close()
    (box,) = boxes(window)
    assert "leaves the farm" in box.informativeText() or "leaves the farm" in box.text()
    press(box, "Stay in the farm")
    assert farm.is_in
    left(window, soon)
    soon(lambda: window.unattended._awake.held is None)
    assert window.session.may_close()
