import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.preview.panel import PreviewPanel
from app.widgets.appearance import palette_of
from dcvsr_engine.events import PreviewFrame


@pytest.fixture
def panel(qtbot):
    panel = PreviewPanel()
    qtbot.addWidget(panel)
    panel.show()
    yield panel
    panel.shutdown()


@pytest.mark.parametrize("width", [300, 500, 900])
def test_every_tool_is_in_reach_with_two_variants_and_the_difference(panel, width):
    import numpy as np

    for variant in "AB":
        panel.show_result(variant, PreviewFrame(0, 0, np.zeros((8, 8, 3), np.uint8)))
    panel.actions_by_id["preview.difference"].trigger()
    panel.resize(width, 600)
    QApplication.processEvents()
    tools = [panel.toolbar.button(action) for name, action in panel.actions_by_id.items() if name in SHOWN]
    for tool in [*tools, panel.gain_box, panel.left_box, panel.right_box]:
        assert tool.isVisible()
        assert panel.toolbar.rect().contains(tool.rect().translated(tool.mapTo(panel.toolbar, tool.rect().topLeft())))
    assert panel.toolbar.geometry().bottom() < panel.view.geometry().top()


SHOWN = [f"preview.{name}" for name in ("side", "wipe", "ab", "difference", "tiles", "loupe", "actual_size", "fit")]


def contrast(image: QImage) -> int:
    lightness = [QColor(image.pixel(x, y)).lightness() for x in range(image.width()) for y in range(image.height())]
    return max(lightness) - min(lightness)


def test_buttons_stay_legible_when_it_gets_dark_and_light_again(panel, qapp):
    former = qapp.palette()
    button = panel.toolbar.button(panel.actions_by_id["preview.wipe"])
    try:
        for dark in (False, True, False):
            qapp.setPalette(palette_of(dark))
            QApplication.processEvents()
            panel.setBackgroundRole(panel.backgroundRole().Window)
            panel.setAutoFillBackground(True)
            assert contrast(button.grab().toImage()) > 120, dark
    finally:
        qapp.setPalette(former)
