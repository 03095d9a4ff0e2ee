import pytest
from steering import without_plan

from dcvsr_engine.worker.messages import DeviceFacts, Ready

CPU = DeviceFacts("cpu", "processor, 2 threads", 8 << 30)
CARDS = DeviceFacts("cuda:0", "RTX & Co", 24 << 30), DeviceFacts("cuda:1", "RTX 3060", 12 << 30)


@pytest.fixture
def window(open_window):
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
