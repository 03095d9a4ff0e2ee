"""Frames as they are painted: pyramids whose visible tiles are computed when they are first seen."""

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from app.preview.bicubic import enlarge_part
from app.preview.model import NEAREST_ABOVE, Viewport

RgbPixels = NDArray[np.uint8]

PYRAMID_TILE = 256
BUDGET = 0.004
"""Seconds that one painting may spend on tiles in full quality; the rest follows with the next painting."""


def image_of(pixels: RgbPixels) -> QImage:
    """RGB ``(height, width, 3)`` as an image of its own."""
    # Qt paints this format fastest
    return _rgb_image(np.ascontiguousarray(pixels)).convertToFormat(QImage.Format.Format_RGB32)


def stretched(pixels: RgbPixels, size: tuple[int, int]) -> RgbPixels:
    """RGB ``(height, width, 3)`` at another size (width, height)."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


@dataclass
class _Level:
    """The picture at one resolution, filled tile by tile; ``coarse`` and ``fine`` hold the tiles filled in each quality."""

    image: QImage
    coarse: set[tuple[int, int]] = field(default_factory=set)
    fine: set[tuple[int, int]] = field(default_factory=set)


class Picture:
    """A frame, or a part of one, placed in the output frame.

    Attributes:
        pixels: RGB ``(height, width, 3)``.
        scale: output pixels per pixel; above 1 the picture is enlarged bicubically.
        origin: (x, y) of its upper left corner in the output frame.
        size: (width, height) in the output frame.
    """

    def __init__(self, pixels: RgbPixels, scale: float = 1.0, origin: tuple[float, float] = (0.0, 0.0)) -> None:
        self.pixels = pixels
        self.scale = scale
        self.origin = origin
        self.size = (pixels.shape[1] * scale, pixels.shape[0] * scale)
        self._base = image_of(pixels)
        self._levels: dict[int, _Level] = {}
        self._pillow: Image.Image | None = None

    def paint(self, painter: QPainter, viewport: Viewport, budget: float = BUDGET) -> bool:
        """Paint what the viewport shows, in device pixels relative to its pane; ``False`` when it is still to be refined."""
        left, top, right, bottom = self._visible(viewport)
        if right <= left or bottom <= top:
            return True
        # the smallest level that is no coarser than the screen
        level = max(0, math.floor(math.log2(1 / viewport.zoom))) if viewport.zoom < 1 else 0
        shrink = 1 / 2**level
        source = QRectF(left * shrink, top * shrink, (right - left) * shrink, (bottom - top) * shrink)
        image, complete = self._image(level, source, time.perf_counter() + budget)
        x, y = viewport.to_view((left + self.origin[0], top + self.origin[1]))
        across, down = viewport.zooms
        target = QRectF(x, y, (right - left) * across, (bottom - top) * down)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, viewport.zoom <= NEAREST_ABOVE)
        painter.drawImage(target, image, source)
        return complete

    def _visible(self, viewport: Viewport) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what is seen, in output pixels from this picture's corner."""
        left, top, right, bottom = viewport.visible()
        x, y = self.origin
        return (
            max(0, math.floor(left - x)),
            max(0, math.floor(top - y)),
            min(self.size[0], math.ceil(right - x)),
            min(self.size[1], math.ceil(bottom - y)),
        )

    def _image(self, number: int, source: QRectF, deadline: float) -> tuple[QImage, bool]:
        """The picture shrunk ``2^number`` times, filled at least within ``source``."""
        if number == 0 and self.scale == 1:
            return self._base, True
        level = self._levels.get(number) or self._new_level(number)
        complete = True
        for place in _tiles(source, level.image):
            if place in level.fine:
                continue
            if time.perf_counter() < deadline:
                self._fill_fine(number, level, place)
                level.fine.add(place)
                continue
            complete = False
            if place not in level.coarse:
                self._fill_coarse(number, level, place)
                level.coarse.add(place)
        return level.image, complete

    def _new_level(self, number: int) -> _Level:
        width, height = (max(1, math.ceil(side / 2**number)) for side in self.size)
        self._levels[number] = _Level(QImage(width, height, QImage.Format.Format_RGB32))
        return self._levels[number]

    def _source(self, number: int, tile: QRect) -> QRectF:
        """A level's tile in the picture's own pixels."""
        ratio = 2**number / self.scale
        box = QRectF(tile.x() * ratio, tile.y() * ratio, tile.width() * ratio, tile.height() * ratio)
        return box & QRectF(0, 0, self._base.width(), self._base.height())

    def _fill_coarse(self, number: int, level: _Level, place: tuple[int, int]) -> None:
        tile = _tile_rect(level.image, place)
        painter = QPainter(level.image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(tile), self._base, self._source(number, tile))
        painter.end()

    def _fill_fine(self, number: int, level: _Level, place: tuple[int, int]) -> None:
        tile = _tile_rect(level.image, place)
        source = self._source(number, tile)
        painter = QPainter(level.image)
        if self.scale > 2**number:
            part = tile.x(), tile.y(), tile.width(), tile.height()
            fine = _rgb_image(enlarge_part(self.pixels, self.scale, 2**number, part))
        else:
            fine = self._shrunk(source, tile) if self.scale == 1 else self._resized(source, tile)
        painter.drawImage(tile.topLeft(), fine)
        painter.end()

    def _shrunk(self, source: QRectF, tile: QRect) -> QImage:
        smooth, stretch = Qt.TransformationMode.SmoothTransformation, Qt.AspectRatioMode.IgnoreAspectRatio
        # a copy of the tile first: scaling then reads nothing else
        return self._base.copy(source.toAlignedRect()).scaled(tile.size(), stretch, smooth)

    def _resized(self, source: QRectF, tile: QRect) -> QImage:
        if self._pillow is None:
            self._pillow = Image.fromarray(self.pixels)
        box = (source.left(), source.top(), source.right(), source.bottom())
        return _rgb_image(np.asarray(self._pillow.resize((tile.width(), tile.height()), Image.Resampling.BICUBIC, box=box)))


def _rgb_image(pixels: RgbPixels) -> QImage:
    """Contiguous RGB ``(height, width, 3)`` as an image that shares, and keeps, their memory."""
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, width * 3, QImage.Format.Format_RGB888)


def _tiles(source: QRectF, image: QImage) -> list[tuple[int, int]]:
    """The tiles (column, row) that ``source`` touches, with a pixel around it for interpolation."""
    wanted = source.toAlignedRect().adjusted(-1, -1, 1, 1) & image.rect()
    columns = range(wanted.left() // PYRAMID_TILE, wanted.right() // PYRAMID_TILE + 1)
    rows = range(wanted.top() // PYRAMID_TILE, wanted.bottom() // PYRAMID_TILE + 1)
    return [(column, row) for row in rows for column in columns]


def _tile_rect(image: QImage, place: tuple[int, int]) -> QRect:
    return QRect(place[0] * PYRAMID_TILE, place[1] * PYRAMID_TILE, PYRAMID_TILE, PYRAMID_TILE) & image.rect()


def subtract(left: QImage, right: QImage, gain: int) -> None:
    """Turn ``left`` into ``gain · |left − right|`` per channel, saturated; both are RGB32 images of the same size."""
    one, other = np.frombuffer(left.bits(), np.uint8), np.frombuffer(right.constBits(), np.uint8)
    lower = np.minimum(one, other)
    np.maximum(one, other, out=one)
    np.subtract(one, lower, out=one)
    most = lower
    most.fill(255 // gain)  # as an array: numpy takes ten times as long for the minimum with a number
    np.minimum(one, most, out=one)
    np.multiply(one, gain, out=one)
    # the fourth byte was equal in both and is 0 now; RGB32 wants 255
    opaque = one.view(np.uint32)
    np.bitwise_or(opaque, 0xFF000000, out=opaque)
