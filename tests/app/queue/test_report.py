"""The report panel: which facts it tells."""

import pytest

from app.queue.report import ReportPanel


@pytest.mark.parametrize(("offsets", "rows"), [({"in": None, "out": None}, 1), ({"in": -21.3, "out": None}, 2)])
def test_an_offset_is_told_where_there_is_sound(qtbot, offsets, rows):
    panel = ReportPanel()
    qtbot.addWidget(panel)
    panel.show_report("Report of a.mp4", {"frames_in": 26, "audio_offset_ms": offsets})
    assert panel.tree.topLevelItemCount() == rows
