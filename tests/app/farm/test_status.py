import json

import pytest

from app.farm.status import FarmStatus, other_versions
from dcvsr_engine.errors import UserError


def row(**changes):
    facts = {"host": "box", "address": "10.0.0.1", "device": "card", "memory": 1, "versions": {"Ray": "2"}, "state": "idle"}
    return facts | changes


def status(*rows):
    return FarmStatus.from_json(json.dumps({"address": "10.0.0.1:6380", "workers": rows}))


def test_what_the_command_says_is_read_and_checked():
    (idle, works) = status(row(), row(state="works", job="a.mkv", phase="waits", unit=1, units=2)).workers
    assert idle.job is None and (works.phase, works.units) == ("waits", 2)
    with pytest.raises(UserError, match="state"):
        status(row(state="asleep"))
    with pytest.raises(UserError, match="JSON"):
        FarmStatus.from_json("")


def test_the_first_computer_with_other_versions_is_told():
    here = {"Ray": "2", "Python": "3.12"}
    rows = status(row(versions=here), row(versions={"Ray": "1"})).workers
    assert other_versions(rows[:1], here) == {}
    assert other_versions(rows, here) == {"Ray": ("1", "2"), "Python": ("–", "3.12")}
