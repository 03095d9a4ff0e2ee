"""How the sound device is opened; miniaudio itself is not called."""

import sys
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pytest

from app.system.sound_output import SoundUnavailable, open_output


class FakeError(Exception):
    pass


def fake_miniaudio(**device):
    """The parts of miniaudio that are used, with a device of these methods."""
    backends = Enum("Backend", ["ALSA", "NULL", "CUSTOM"])

    def opened(**options):
        assert [each.name for each in options["backends"]] == ["ALSA"]
        return SimpleNamespace(**device)

    return SimpleNamespace(Backend=backends, MiniaudioError=FakeError, PlaybackDevice=opened)


def test_the_device_gets_what_it_asks_for(monkeypatch):
    taken = []

    def start(generator):
        taken.extend(len(generator.send(count)) for count in (7, 1920))

    monkeypatch.setitem(sys.modules, "miniaudio", fake_miniaudio(start=start))
    open_output(lambda count: np.zeros((count, 2), np.int16))
    assert taken == [7, 1920]


def test_without_a_device_or_library_it_says_so(monkeypatch):
    def start(generator):
        raise FakeError

    monkeypatch.setitem(sys.modules, "miniaudio", fake_miniaudio(start=start))
    with pytest.raises(SoundUnavailable, match="no device"):
        open_output(len)
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(SoundUnavailable, match="library"):
        open_output(len)
