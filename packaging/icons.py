"""The program's icon in the formats of the three systems, drawn from resources/icons/dcvsr-studio.svg."""

import os
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).resolve().parents[1] / "resources" / "icons" / "dcvsr-studio.svg"
SIZES = {".ico": (16, 24, 32, 48, 64, 128, 256), ".icns": (32, 64, 128, 256, 512, 1024)}


def draw(sizes: Iterable[int]) -> list[Image.Image]:
    """The icon in each of some sizes."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    pictures = [draw_one(QSvgRenderer(str(SOURCE)), size) for size in sizes]
    application.processEvents()
    return pictures


def draw_one(renderer: QSvgRenderer, size: int) -> Image.Image:
    """The icon in one size."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub asks for bytes, which PySide6 refuses
    return Image.open(BytesIO(bytes(buffer.data().data())))


def write_icon(path: Path) -> Path:
    """Write an ``.ico`` (Windows) or ``.icns`` (macOS) file."""
    *others, largest = draw(SIZES[path.suffix])
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = [(size, size) for size in SIZES[path.suffix]] if path.suffix == ".ico" else None
    largest.save(path, append_images=others, sizes=sizes)
    return path


def write_pngs(folder: Path, sizes: Iterable[int] = (16, 24, 32, 48, 64, 128, 256, 512)) -> None:
    """Write the icon in the layout of the hicolor theme."""
    sizes = tuple(sizes)
    for size, picture in zip(sizes, draw(sizes), strict=True):
        path = folder / f"{size}x{size}" / "apps" / "dcvsr-studio.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
