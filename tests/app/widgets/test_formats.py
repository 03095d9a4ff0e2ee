from pathlib import Path

import pytest

from app.widgets.formats import amount, clock_time, length, readable, rough_time, shortened


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00:00"), (760.4, "00:12:40"), (90061, "25:01:01"), (-3, "00:00:00")])
def test_clock(seconds, text):
    assert clock_time(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (85, "85 s"), (760, "13 min"), (3599, "1 h"), (9112, "2 h 30 min"), (7100, "2 h"), (110_000, "31 h")],
)
def test_an_estimate_is_not_more_exact_than_it_is(seconds, text):
    assert rough_time(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "0.977 KB"), (7.9 * 2**30, "7.9 GB"), (12 << 30, "12 GB"), (5000 * 2**40, "5e+03 TB")],
)
def test_amount(size, text):
    assert amount(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.32, "0.3 s"), (25, "25 s"), (59.7, "1:00"), (185, "3:05"), (3723, "1:02:03")])
def test_length(seconds, text):
    assert length(seconds) == text


def test_bytes_that_are_no_text_are_seen():
    assert readable("caf\udce9 é.mp4") == "caf\ufffd é.mp4"


def test_long_paths_lose_their_middle():
    assert shortened(Path("short.mp4")) == "short.mp4"
    text = shortened(Path("a" * 50) / ("b" * 50))
    assert len(text) == 60 and text.startswith("aaa") and text.endswith("bbb")
