"""Light and dark: palettes where the platform has none of its own, and the few colours that carry a meaning."""

from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from dcvsr_engine.events import StepKind

Appearance = Literal["system", "light", "dark"]
APPEARANCES: tuple[Appearance, ...] = get_args(Appearance)

SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
Role = QPalette.ColorRole

LIGHT = {
    Role.Window: "#f3f4f6", Role.WindowText: "#1c1f24", Role.Base: "#ffffff", Role.AlternateBase: "#f3f4f6",
    Role.Text: "#1c1f24", Role.Button: "#fbfbfc", Role.ButtonText: "#1c1f24", Role.BrightText: "#ffffff",
    Role.ToolTipBase: "#ffffff", Role.ToolTipText: "#1c1f24", Role.PlaceholderText: "#69707c",
    Role.Highlight: "#2563c9", Role.HighlightedText: "#ffffff", Role.Accent: "#2563c9",
    Role.Link: "#1d55b4", Role.LinkVisited: "#6a3fb0",
    Role.Light: "#ffffff", Role.Midlight: "#e9ebee", Role.Mid: "#c3c7ce", Role.Dark: "#a3a8b1", Role.Shadow: "#70757e",
}  # fmt: skip
DARK = {
    Role.Window: "#212327", Role.WindowText: "#e6e8eb", Role.Base: "#191b1e", Role.AlternateBase: "#212327",
    Role.Text: "#e6e8eb", Role.Button: "#2e3136", Role.ButtonText: "#e6e8eb", Role.BrightText: "#ffffff",
    Role.ToolTipBase: "#2e3136", Role.ToolTipText: "#e6e8eb", Role.PlaceholderText: "#989ea8",
    Role.Highlight: "#3d7be0", Role.HighlightedText: "#ffffff", Role.Accent: "#5c97f5",
    Role.Link: "#7fb0ff", Role.LinkVisited: "#c3a2f5",
    Role.Light: "#44484f", Role.Midlight: "#373a40", Role.Mid: "#484c53", Role.Dark: "#15171a", Role.Shadow: "#0c0d0f",
}  # fmt: skip
DARK_BOX = "#6a707a"
"""Inside of check boxes: three times as light as the window, on which Fusion's dark rim is not seen."""

DISABLED = {"light": "#8d939d", "dark": "#70757e"}
WRITING = (Role.WindowText, Role.Text, Role.ButtonText)


@dataclass(frozen=True)
class Tones:
    """Colours with a meaning, readable on the window's background."""

    good: QColor
    caution: QColor
    bad: QColor
    quiet: QColor
    step: dict[StepKind, QColor]


LIGHT_TONES = Tones(
    good=QColor("#1a7f43"),
    caution=QColor("#95590b"),
    bad=QColor("#bb2d34"),
    quiet=QColor("#69707c"),
    step={
        StepKind.PLAIN: QColor("#b3b8c1"),
        StepKind.SAP: QColor("#3b7be0"),
        StepKind.TAP_FORWARD: QColor("#d9822b"),
        StepKind.TAP_BACKWARD: QColor("#8e5bd0"),
    },
)
DARK_TONES = Tones(
    good=QColor("#52c27f"),
    caution=QColor("#e2a54a"),
    bad=QColor("#f2777c"),
    quiet=QColor("#989ea8"),
    step={
        StepKind.PLAIN: QColor("#5a5f68"),
        StepKind.SAP: QColor("#5c97f5"),
        StepKind.TAP_FORWARD: QColor("#e29a4f"),
        StepKind.TAP_BACKWARD: QColor("#ad85e6"),
    },
)


def appearance_name(appearance: Appearance) -> str:
    """A choice of light or dark in words."""
    texts: dict[Appearance, str] = {
        "system": QCoreApplication.translate("Appearance", "Like the system"),
        "light": QCoreApplication.translate("Appearance", "Light"),
        "dark": QCoreApplication.translate("Appearance", "Dark"),
    }
    return texts[appearance]


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than its background."""
    return palette.color(Role.WindowText).lightness() > palette.color(Role.Window).lightness()


def tones(palette: QPalette) -> Tones:
    """The colours with a meaning that go with a palette."""
    return DARK_TONES if is_dark(palette) else LIGHT_TONES


def palette_of(dark: bool) -> QPalette:
    """Our own palette."""
    palette = QPalette()
    for role, color in (DARK if dark else LIGHT).items():
        palette.setColor(role, QColor(color))
    for role in WRITING:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(DISABLED["dark" if dark else "light"]))
    # a selection in a disabled list must not look active
    palette.setColor(QPalette.ColorGroup.Disabled, Role.Highlight, palette.color(Role.Mid))
    return palette


def apply_appearance(app: QApplication, appearance: Appearance) -> None:
    """Make the program light, dark or like the system. Fusion, which has no dark look of its own, gets our palettes."""
    hints = QGuiApplication.styleHints()
    hints.setColorScheme(SCHEMES[appearance])
    if app.style().name().lower() == "fusion":
        system_dark = hints.colorScheme() == Qt.ColorScheme.Dark
        dark = appearance == "dark" or (appearance == "system" and system_dark)
        app.setPalette(palette_of(dark))
        if dark:
            boxes = QPalette()
            boxes.setColor(Role.Base, QColor(DARK_BOX))
            boxes.setColor(QPalette.ColorGroup.Disabled, Role.Base, QColor(DARK[Role.Mid]))
            app.setPalette(boxes, "QCheckBox")  # type: ignore[arg-type]  # bytes, as declared, have no effect


def color_text(widget: QWidget, color: QColor) -> None:
    """Write a label in a color."""
    palette = widget.palette()
    if palette.color(QPalette.ColorRole.WindowText) != color:
        palette.setColor(QPalette.ColorRole.WindowText, color)
        widget.setPalette(palette)
