"""Pictures of a frame to keep: as it was, as it is, and both in one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QImage, QPainter

from app.preview import hud
from app.preview.bicubic import enlarge_part
from app.preview.frames import ResultFrame
from app.preview.picture import RgbPixels, image_of

StillKind = Literal["frame", "original", "both"]

LETTER_SHARE, SMALLEST_LETTERS = 1 / 32, 10
"""Height of a label's letters, as a share of the picture's, and in pixels at least."""
WIPE_LINE_SHARE = 1 / 400
"""Width of the line between before and after, as a share of the picture's."""


@dataclass(frozen=True)
class Still:
    """A frame in full, before and after; its pictures may be made on any thread.

    Attributes:
        number: which frame it is.
        source: the clip's pixels.
        result: the restored frame or part of it, where there is one.
        labels: what the original and the result are called.
        aspect: width of a pixel when its height is 1; pictures have square ones.
        strength: share of the result over the enlarged input.
        wipe: where a line parts before and after, as a share of the frame's width; ``None`` for side by side.
    """

    number: int
    source: RgbPixels
    result: ResultFrame | None
    labels: tuple[str, str]
    aspect: float = 1.0
    strength: float = 1.0
    wipe: float | None = None

    def picture(self, kind: StillKind) -> QImage:
        """The frame as it is, or as it was where nothing is restored; the original; or both in one picture."""
        if kind == "original" or self.result is None:
            return self._square(self.source)
        after = self._square(self.after())
        if kind == "frame":
            return after
        before = self._square(self.before())
        return self._side_by_side(before, after) if self.wipe is None else self._wiped(before, after, self.wipe)

    def after(self) -> RgbPixels:
        """What is restored, as strong as it is wanted."""
        assert self.result
        if self.result.enlarged is None or self.strength == 1:
            return self.result.pixels
        mixed = self.strength * self.result.pixels.astype(np.float32) + (1 - self.strength) * self.result.enlarged
        return np.rint(mixed).astype(np.uint8)

    def before(self) -> RgbPixels:
        """The same part of the clip's frame, enlarged to the same size."""
        assert self.result
        (height, width), (x, y), scale = self.result.pixels.shape[:2], self.result.origin, self.result.scale
        if scale > 1:
            return enlarge_part(self.source, scale, 1, (x, y, width, height))
        across, down = self.source.shape[1], self.source.shape[0]
        box = x / scale, y / scale, min(across, (x + width) / scale), min(down, (y + height) / scale)
        return np.asarray(Image.fromarray(self.source).resize((width, height), Image.Resampling.BICUBIC, box))

    def _square(self, pixels: RgbPixels) -> QImage:
        image = image_of(pixels)
        width = max(1, round(image.width() * self.aspect))
        stretch, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        return image if width == image.width() else image.scaled(width, image.height(), stretch, smooth)

    def _side_by_side(self, before: QImage, after: QImage) -> QImage:
        width, height = before.width(), before.height()
        both = QImage(2 * width, height, QImage.Format.Format_RGB32)
        painter = QPainter(both)
        painter.drawImage(0, 0, before)
        painter.drawImage(width, 0, after)
        self._label(painter, height, QPointF(0, 0), self.labels[0])
        self._label(painter, height, QPointF(width, 0), self.labels[1])
        painter.end()
        return both

    def _wiped(self, before: QImage, after: QImage, wipe: float) -> QImage:
        assert self.result
        width, height = before.width(), before.height()
        whole = self.source.shape[1] * self.result.scale
        # the result may be a part of the frame
        column = min(max(round((wipe * whole - self.result.origin[0]) * self.aspect), 0), width)
        painter = QPainter(before)
        painter.drawImage(column, 0, after, column, 0)
        line = max(1, round(width * WIPE_LINE_SHARE))
        painter.fillRect(QRect(column - line // 2, 0, line, height), hud.INK)
        self._label(painter, height, QPointF(0, 0), self.labels[0])
        self._label(painter, height, QPointF(width, 0), self.labels[1], from_right=True)
        painter.end()
        return before

    @staticmethod
    def _label(painter: QPainter, height: int, corner: QPointF, text: str, from_right: bool = False) -> None:
        """A name in a corner, in letters that go with the picture's height."""
        font = painter.font()
        font.setPixelSize(max(SMALLEST_LETTERS, round(height * LETTER_SHARE)))
        painter.setFont(font)
        left = -hud.MARGIN - hud.label_size(font, text).width() if from_right else hud.MARGIN
        hud.paint_label(painter, corner + QPointF(left, hud.MARGIN), text)


def pixels_of(image: QImage) -> RgbPixels:
    """An RGB32 image as RGB ``(height, width, 3)``."""
    bytes_ = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return np.ascontiguousarray(bytes_[..., 2::-1])
