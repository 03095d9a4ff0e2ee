"""What a computer of a farm says of itself: versions, names and memory of devices, as labels of its node. Torch-free."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEVICE = "dcvsr"
"""A computer offers one of this resource per device, and a worker takes one."""
LABEL_PREFIX = "dcvsr-"
"""What our labels begin with."""
LABEL_BYTES = 44
"""Ray takes 63 characters, and few kinds of them."""


@dataclass(frozen=True)
class FarmDevice:
    """A device of a farm: its ``name``, and its ``memory`` in bytes, 0 where it is not known."""

    name: str
    memory: int


@dataclass(frozen=True)
class Computer:
    """A computer of a farm.

    Attributes:
        id: of its node.
        host, address: its name, and where it is reached.
        devices: one worker runs on each; cards come before processors.
        gpus: how many of them are cards that Ray hands out.
        versions: of what must be the same everywhere; empty where it does not say.
    """

    id: str
    host: str
    address: str
    devices: tuple[FarmDevice, ...]
    gpus: int
    versions: dict[str, str]


def labels_of(devices: Sequence[FarmDevice], versions: Mapping[str, str]) -> dict[str, str]:
    """The labels of a computer with these devices and versions."""
    values = {f"version.{name}": version for name, version in versions.items()}
    for place, device in enumerate(devices):
        values |= {f"name.{place}": device.name, f"memory.{place}": str(device.memory)}
    return {LABEL_PREFIX + name: encoded(value) for name, value in values.items()}


def encoded(value: str) -> str:
    """A text, cut to `LABEL_BYTES`, in the characters that a label takes."""
    text = value.encode()[:LABEL_BYTES].decode(errors="ignore").encode()
    # a letter at either end, as Ray wants it
    return f"x{base64.urlsafe_b64encode(text).decode().rstrip('=')}x"


def decoded(label: str) -> str:
    """The text that `encoded` made a label of."""
    text = label[1:-1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def computer_of(node: Mapping[str, Any]) -> Computer:
    """What one of the nodes that Ray lists is."""
    labels = {
        name[len(LABEL_PREFIX) :]: decoded(label) for name, label in node["Labels"].items() if name.startswith(LABEL_PREFIX)
    }
    count = int(node["Resources"].get(DEVICE, 0))
    return Computer(
        id=node["NodeID"],
        host=node["NodeManagerHostname"],
        address=node["NodeManagerAddress"],
        devices=tuple(
            FarmDevice(labels.get(f"name.{place}", "unknown"), int(labels.get(f"memory.{place}", 0))) for place in range(count)
        ),
        gpus=int(node["Resources"].get("GPU", 0)),
        versions={name[len("version.") :]: value for name, value in labels.items() if name.startswith("version.")},
    )
