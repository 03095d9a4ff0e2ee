"""What a row of the queue says where there is little room."""

import pytest
from PySide6.QtGui import QFont, QFontMetrics

from app.queue.panel import fitting

FACTS = ["waiting", "1920×1080", "00:03"]


@pytest.mark.parametrize(("shown", "text"), [(3, "waiting · 1920×1080 · 00:03"), (2, "waiting · 1920×1080"), (1, "waiting")])
def test_facts_are_left_out_rather_than_cut(qapp, shown, text):
    metrics = QFontMetrics(QFont())
    assert fitting(metrics, FACTS, metrics.horizontalAdvance(" · ".join(FACTS[:shown]))) == text


def test_the_state_alone_may_be_cut(qapp):
    assert fitting(QFontMetrics(QFont()), FACTS, 30).endswith("…")
