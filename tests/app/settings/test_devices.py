import pytest

from app.settings.devices import cards_of, device_choices, with_card
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.worker.messages import DeviceFacts

CPU = DeviceFacts("cpu", "processor, 2 threads", 8 << 30)
CARDS = DeviceFacts("cuda:0", "RTX 4090", 24 << 30), DeviceFacts("cuda:1", "RTX 3060", 12 << 30)


def test_devices_are_told_apart_by_name_and_memory_and_all_cards_can_be_chosen_together():
    assert device_choices([CPU]) == {"cpu": "Processor · 8 GB"}
    assert device_choices([CPU, *CARDS]) == {
        "cpu": "Processor · 8 GB",
        "cuda:0": "RTX 4090 · 24 GB",
        "cuda:1": "RTX 3060 · 12 GB",
        "cuda:0,cuda:1": "RTX 4090 · 24 GB + RTX 3060 · 12 GB",
    }
    assert cards_of([CPU, *CARDS]) == list(CARDS)


def test_what_is_chosen_already_is_among_the_choices_whatever_is_there():
    assert device_choices([CPU], "cuda:0,cuda:2")["cuda:0,cuda:2"] == "cuda:0 + cuda:2"
    assert "auto" not in device_choices([CPU], "auto")


@pytest.mark.parametrize(
    "device, card, then",
    [
        ("auto", "cuda:1", "cuda:1"),
        ("cpu", "cuda:0", "cuda:0"),
        ("cuda:10", "cuda:9", "cuda:9,cuda:10"),
        ("cuda:0,cuda:1", "cuda:0", "cuda:1"),
        ("cuda:1", "cuda:1", "auto"),
    ],
)
def test_a_card_is_added_and_taken_away(device, card, then):
    assert with_card(device, card) == then
    assert RestoreSettings(device=then).device == then
