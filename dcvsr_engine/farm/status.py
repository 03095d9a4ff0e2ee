"""What every device of a farm is and does now: a row of values for each. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any

from dcvsr_engine.farm.labels import Computer, FarmDevice
from dcvsr_engine.terminal import file_size

ANSWER_SECONDS = 5.0
"""How long a worker may take to say what it does."""
WORKER_NAME = "worker-{}-{}"
"""Names of workers in Ray: of their computer's node, and of their own."""
NO_WORK = {"job": None, "target": None, "phase": None, "unit": None, "units": None, "done": None, "total": None}
"""What a worker without a job does."""


def answers_of(ray: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What workers of all jobs say of themselves, by their names; and the names of those that do not answer."""
    from ray.util import list_named_actors

    begins = WORKER_NAME.partition("{")[0]
    names = [entry["name"] for entry in list_named_actors(all_namespaces=True) if entry["name"].startswith(begins)]
    calls = {ray.get_actor(name).now.remote(): name for name in names}
    done, _ = ray.wait(list(calls), num_returns=len(calls), timeout=ANSWER_SECONDS) if calls else ([], [])
    answers = {}
    for call in done:
        try:
            answers[calls[call]] = ray.get(call)
        except ray.exceptions.RayError:
            continue  # it has ended meanwhile
    return answers, [name for call, name in calls.items() if call not in done]


def worker_rows(
    computers: Sequence[Computer], answers: Mapping[str, dict[str, Any]], silent: Sequence[str]
) -> list[dict[str, Any]]:
    """A row per device of a farm.

    Args:
        computers: of the farm.
        answers: what workers say of themselves (`FarmWorker.now`), by their names.
        silent: names of those that do not answer.

    Returns:
        ``host``, ``address``, ``device`` (its name), ``memory`` (bytes), ``versions``; ``state``: ``idle`` without a job,
        ``works`` at one, ``silent`` where the worker of one does not answer, as it begins or hangs; and of a worker that works
        ``job`` (name of the input), ``target``, ``phase`` (``waits`` where others are at all that is left), ``unit`` of
        ``units``, ``done`` of ``total`` in this phase; what is not known is ``None``.
    """
    rows = []
    for computer in computers:
        name = WORKER_NAME.format(computer.id, "")
        facts = {"host": computer.host, "address": computer.address, "versions": computer.versions}
        waiting = [worker for worker in silent if worker.startswith(name)]
        rows += [
            facts | row for row in rows_of(computer.devices, [answers[n] for n in answers if n.startswith(name)], len(waiting))
        ]
    return rows


def rows_of(devices: Sequence[FarmDevice], answers: Sequence[dict[str, Any]], silent: int) -> list[dict[str, Any]]:
    """What the devices of one computer do; of its workers so many are ``silent``."""
    free, rows = list(devices), []
    for answer in [answer for answer in answers if answer["does"]][: len(devices)]:
        device = next((device for device in free if device.name == answer["device"]), free[0])
        free.remove(device)
        rows.append({"device": device.name, "memory": device.memory, "state": "works", **NO_WORK, **answer["does"]})
    for place, device in enumerate(free):
        state = "silent" if place < silent else "idle"
        rows.append({"device": device.name, "memory": device.memory, "state": state, **NO_WORK})
    return rows


def status_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of `worker_rows` as a table."""
    head = ("computer", "device", "memory", "now", "versions")
    table = [head, *(cells_of(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in table)


def cells_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a table says of a worker."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(row["versions"].items()))
    return f"{row['host']} ({row['address']})", row["device"], file_size(row["memory"]), in_words(row), versions


def in_words(row: Mapping[str, Any]) -> str:
    """What a worker does."""
    if row["state"] != "works":
        return {"idle": "idle", "silent": "does not answer: it begins, or hangs"}[row["state"]]
    unit = f", unit {row['unit']} of {row['units']}" if row["unit"] else ""
    progress = f", {row['phase'] or 'begins'}" + (f" {row['done']}/{row['total']}" if row["total"] else "")
    return f"{row['job']}{unit}{progress}"
