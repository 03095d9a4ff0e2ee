"""Messages travel over a pipe: what arrives is what was sent."""

import dataclasses
import pickle
import typing
from pathlib import Path

import pytest

from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.worker import messages

REQUEST = JobRequest(
    source=Path("clip \udce9.mkv"),
    target=Path("out.mkv"),
    settings=RestoreSettings(seed=7),
    frames=(3, 5),
    region=Region(x=1, y=2, width=3, height=4),
)
MESSAGES = [
    messages.LoadModel("compact"),
    messages.PlanJob("job", REQUEST),
    messages.RunJob("job", REQUEST, Path("folder")),
    messages.Failed("job", "It failed.", user_error=True),
    messages.JobFinished("job", Path("out.mkv"), {"frames_out": 3}),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message):
    assert pickle.loads(pickle.dumps(message)) == message


def test_messages_do_not_change():
    kinds = [*typing.get_args(messages.Command), *typing.get_args(messages.EngineEvent)]
    assert kinds and all(dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen for kind in kinds)
