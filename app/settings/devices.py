"""Devices of this computer in words, and which of them can be chosen together."""

from collections.abc import Sequence

from app.settings.specs import DEVICES
from app.widgets.formats import amount
from app.widgets.words import words
from dcvsr_engine.settings import devices_of, needs_crew
from dcvsr_engine.worker.messages import DeviceFacts


def device_text(device: DeviceFacts) -> str:
    """A device's name and memory."""
    title = words(DEVICES[device.name]) if device.name == "cpu" else device.title
    return f"{title} · {amount(device.memory)}"


def cards_of(devices: Sequence[DeviceFacts]) -> list[DeviceFacts]:
    """The cards that can be chosen one by one, or several together."""
    return [device for device in devices if needs_crew(device.name)]


def device_choices(devices: Sequence[DeviceFacts], *chosen: str) -> dict[str, str]:
    """Texts of what can be chosen: each device, all cards together, and what is ``chosen`` already.

    Args:
        devices: those that are there.
        chosen: values of the setting.
    """
    texts = {device.name: device_text(device) for device in devices}
    together = ",".join(card.name for card in cards_of(devices))
    several = [value for value in (together, *chosen) if value and value not in texts and needs_crew(value)]
    return texts | {value: " + ".join(texts.get(name, name) for name in devices_of(value)) for value in several}


def with_card(device: str, card: str) -> str:
    """The setting with a card more, or without it where it is among them; automatic where none is left."""
    chosen = {name for name in devices_of(device) if needs_crew(name)} ^ {card}
    return ",".join(sorted(chosen, key=lambda name: int(name.partition(":")[2]))) or "auto"
