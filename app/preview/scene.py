"""Two pictures of a frame in one geometry, as the compare view paints them: side by side, wipe, A/B, difference, loupe."""

from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from app.preview import hud
from app.preview.frames import ResultFrame
from app.preview.model import CompareMode, CompareState, Position, Size, Viewport
from app.preview.picture import Picture, RgbPixels, subtract
from app.preview.tile_overlay import TileOverlay
from dcvsr_engine.planning.request import Region

GAP = 2
"""Device pixels between the panes."""

LOUPE = 150
"""Side of one half of the loupe, in logical pixels."""

LOUPE_GAP = 2
UNRESTORED_OPACITY = 0.35


@dataclass(frozen=True)
class Side:
    """One of the two pictures compared: the enlarged input (``is_source``), or a result that may not be there yet."""

    label: str
    is_source: bool = False
    result: ResultFrame | None = None


@dataclass(frozen=True)
class Pane:
    """A part of the view, in device pixels, that shows ``side``: 0 the left picture, 1 the right one, ``None`` both."""

    rect: QRect
    side: int | None


class Scene:
    """What is compared and how it is seen. Positions are in output pixels: input size times ``scale``.

    Attributes:
        viewport: what is seen; every pane shows the same.
        comparison: how the pictures are compared.
        overlay: the tiles, painted when ``overlay_visible``.
        region: the selected part of the input.
        scale: output pixels per input pixel.
        frame: index of the frame.
        sides: the left and the right picture.
        strength: share of a result over the enlarged input, where that is known.
    """

    def __init__(self, overlay: TileOverlay) -> None:
        self.viewport = Viewport((1, 1), (1, 1))
        self.comparison = CompareState()
        self.overlay = overlay
        self.overlay_visible = False
        self.region: Region | None = None
        self.scale: float = 1
        self.frame = 0
        self.sides = (Side("", is_source=True), Side(""))
        self._source: Picture | None = None
        self.strength = 1.0
        self._results: list[Picture | None] = [None, None]
        self._below: list[Picture | None] = [None, None]
        self._scratch = [QImage(), QImage()]

    @property
    def is_empty(self) -> bool:
        """Whether no frame is shown."""
        return self._source is None

    def clear(self) -> None:
        """Forget the frame."""
        self._source, self._results, self._below = None, [None, None], [None, None]

    def set_frame(self, frame: int, source: RgbPixels, left: Side, right: Side) -> None:
        """Another frame, or another state of it; pictures that stay the same are kept."""
        self.frame, self.sides = frame, (left, right)
        # by identity: comparing pixels takes longer than painting them
        if self._source is None or self._source.pixels is not source or self._source.scale != self.scale:
            self._source = Picture(source, self.scale)
        results = [side.result for side in self.sides]
        self._results = [
            self._picture_of(result.pixels if result else None, result, old)
            for result, old in zip(results, self._results, strict=True)
        ]
        self._below = [
            self._picture_of(result.enlarged if result else None, result, old)
            for result, old in zip(results, self._below, strict=True)
        ]

    def _picture_of(self, pixels: RgbPixels | None, result: ResultFrame | None, old: Picture | None) -> Picture | None:
        """Pixels of a result where it lies in the frame; the ``old`` picture if nothing has changed."""
        if result is None or pixels is None:
            return None
        ratio = self.scale / result.scale
        origin = result.origin[0] * ratio, result.origin[1] * ratio
        if old is not None and old.pixels is pixels and (old.scale, old.origin) == (ratio, origin):
            return old
        return Picture(pixels, ratio, origin)

    @property
    def missing(self) -> Side | None:
        """A result to compare that is not there yet."""
        return next((side for side in self.sides if not side.is_source and side.result is None), None)

    # -- geometry -----------------------------------------------------------------------------------------------

    @property
    def input_size(self) -> Size:
        """(width, height) of the input."""
        return round(self.viewport.picture[0] / self.scale), round(self.viewport.picture[1] / self.scale)

    def pane_size(self, width: int, height: int) -> Size:
        """The size of each pane in a view of this many device pixels."""
        return (max(1, (width - GAP) // 2), height) if self.comparison.mode == CompareMode.SIDE_BY_SIDE else (width, height)

    def panes(self) -> list[Pane]:
        """The panes, left to right."""
        width, height = self.viewport.view
        mode = self.comparison.mode
        if mode == CompareMode.SIDE_BY_SIDE:
            return [Pane(QRect(0, 0, width, height), 0), Pane(QRect(width + GAP, 0, width, height), 1)]
        side = {CompareMode.AB: 0 if self.comparison.swapped else 1}.get(mode)
        return [Pane(QRect(0, 0, width, height), side)]

    def in_pane(self, x: float, y: float) -> Position:
        """A position in the view, in device pixels of the pane it is in."""
        panes = self.panes()
        pane = next((pane for pane in reversed(panes) if x >= pane.rect.left()), panes[0])
        return x - pane.rect.left(), y - pane.rect.top()

    def point_at(self, x: float, y: float) -> Position | None:
        """The output position at a position in the view, ``None`` beside the picture."""
        point = self.viewport.to_picture(self.in_pane(x, y))
        inside = 0 <= point[0] < self.viewport.picture[0] and 0 <= point[1] < self.viewport.picture[1]
        return point if inside and not self.is_empty else None

    def picture_rect(self) -> QRectF:
        """The picture in device pixels of a pane; it may reach beyond."""
        (width, height), (across, down) = self.viewport.picture, self.viewport.zooms
        return QRectF(*self.viewport.offset, width * across, height * down)

    def visible_rect(self) -> QRectF:
        """The visible part of `picture_rect`."""
        return self.picture_rect() & QRectF(0, 0, *self.viewport.view)

    def wipe_x(self) -> int:
        """The wipe line, in device pixels of the pane."""
        visible = self.visible_rect()
        return round(visible.left() + self.comparison.wipe * visible.width())

    def wipe_at(self, x: float) -> float:
        """The inverse of `wipe_x`."""
        visible = self.visible_rect()
        return (x - visible.left()) / max(1.0, visible.width())

    def wipe_share(self) -> float:
        """Where the wipe line is, as a share of the whole picture's width."""
        return self.viewport.to_picture((self.wipe_x(), 0))[0] / self.viewport.picture[0]

    def region_between(self, one: Position, other: Position) -> Region:
        """The input pixels touched by the output rectangle between two corners."""
        width, height = self.input_size
        left, right = sorted((one[0], other[0]))
        top, bottom = sorted((one[1], other[1]))
        x, y = min(max(0, int(left // self.scale)), width - 1), min(max(0, int(top // self.scale)), height - 1)
        right_edge, bottom_edge = min(width, -int(-right // self.scale)), min(height, -int(-bottom // self.scale))
        return Region(x=x, y=y, width=max(1, right_edge - x), height=max(1, bottom_edge - y))

    # -- painting, in device pixels -----------------------------------------------------------------------------

    def paint(self, painter: QPainter, pointer: Position | None, ratio: float) -> bool:
        """All panes; ``pointer`` is a position in the view, ``ratio`` device pixels per logical one.

        Returns ``False`` when something is still to be refined by painting again.
        """
        hovered = self.point_at(*pointer) if pointer else None
        complete = True
        for pane in self.panes():
            painter.save()
            painter.setClipRect(pane.rect)
            painter.translate(pane.rect.topLeft())
            complete &= self._paint_pane(painter, pane, ratio)
            # the left picture stays free of tiles, to compare with
            if self.overlay_visible and pane.side != 0:
                self.overlay.paint(painter, self.viewport, self.frame, hovered, ratio)
            self._paint_region(painter, ratio)
            painter.restore()
        return complete

    def paint_loupe(self, painter: QPainter, point: Position, corner: QPointF, ratio: float) -> bool:
        """Both pictures around an output position, strongly enlarged; ``corner`` in device pixels of the view."""
        side = round(LOUPE * ratio)
        zoom = max(4.0, 2 * self.viewport.zoom)
        seen = replace(self.viewport, view=(side, side), zoom=zoom, center=point, fitting=False)
        complete = True
        for index in range(2):
            half = QRect(round(corner.x()) + index * (side + round(LOUPE_GAP * ratio)), round(corner.y()), side, side)
            painter.save()
            painter.setClipRect(half)
            painter.fillRect(half, Qt.GlobalColor.black)
            painter.translate(half.topLeft())
            complete &= self._paint_side(painter, seen, index)
            painter.restore()
            hud.stroke(painter, hud.outlined(hud.INK, 1.5 * ratio), partial(painter.drawRect, half))
        return complete

    def _paint_pane(self, painter: QPainter, pane: Pane, ratio: float) -> bool:
        if pane.side is not None:
            return self._paint_side(painter, self.viewport, pane.side)
        if self.comparison.mode == CompareMode.WIPE:
            return self._paint_wipe(painter, ratio)
        # no result yet: the difference would show the picture itself
        return self._paint_side(painter, self.viewport, 1) if self.missing else self._paint_difference(painter)

    def _paint_side(self, painter: QPainter, viewport: Viewport, index: int, unrestored: float = UNRESTORED_OPACITY) -> bool:
        """One picture; without a result the input is shown faintly, so that it is not mistaken for one."""
        result = self._results[index]
        assert self._source is not None
        complete = True
        # a result of a region leaves the rest of the frame to the input
        if result is None or result.size != self._source.size:
            painter.setOpacity(1.0 if self.sides[index].is_source else unrestored)
            complete = self._source.paint(painter, viewport)
            painter.setOpacity(1.0)
        if result is not None:
            complete &= self._paint_mixed(painter, viewport, result, self._below[index])
        return complete

    def _paint_mixed(self, painter: QPainter, viewport: Viewport, result: Picture, below: Picture | None) -> bool:
        """A result over the enlarged input, as strong as it is wanted: what the engine mixes in numbers, mixed in paint."""
        complete = True
        if below is not None and self.strength < 1:
            complete = below.paint(painter, viewport)
            painter.setOpacity(self.strength)
        complete &= result.paint(painter, viewport)
        painter.setOpacity(1.0)
        return complete

    def _paint_wipe(self, painter: QPainter, ratio: float) -> bool:
        (width, height), x = self.viewport.view, self.wipe_x()
        complete = True
        for index, part in enumerate((QRect(0, 0, x, height), QRect(x, 0, width - x, height))):
            painter.save()
            painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
            complete &= self._paint_side(painter, self.viewport, index)
            painter.restore()
        hud.stroke(painter, hud.outlined(hud.INK, 1.5 * ratio), partial(painter.drawLine, x, 0, x, height))
        _paint_grip(painter, QPointF(x, height / 2), ratio)
        return complete

    def _paint_difference(self, painter: QPainter) -> bool:
        """The visible part of the left picture minus that of the right one; black without a result."""
        size = QSize(*self.viewport.view)
        # kept from painting to painting, as the pointer's moves repaint too
        if self._scratch[0].size() != size:
            self._scratch = [QImage(size, QImage.Format.Format_RGB32) for _ in self.sides]
        complete = True
        # clearing is needed only where the pictures leave something free
        filled = self.picture_rect().contains(QRectF(0, 0, *self.viewport.view))
        for index, image in enumerate(self._scratch):
            if not filled:
                image.fill(Qt.GlobalColor.black)
            inner = QPainter(image)
            complete &= self._paint_side(inner, self.viewport, index, unrestored=1.0)
            inner.end()
        painter.setClipRect(self.visible_rect(), Qt.ClipOperation.IntersectClip)
        subtract(self._scratch[0], self._scratch[1], self.comparison.gain)
        painter.drawImage(0, 0, self._scratch[0])
        return complete

    def _paint_region(self, painter: QPainter, ratio: float) -> None:
        if self.region is None:
            return
        across, down = self.viewport.zooms
        corner = QPointF(*self.viewport.to_view((self.region.x * self.scale, self.region.y * self.scale)))
        size = QSizeF(self.region.width * self.scale * across, self.region.height * self.scale * down)
        rect = QRectF(corner, size)
        hud.stroke(painter, hud.outlined(hud.CHOSEN_COLOR, 1.5 * ratio), partial(painter.drawRect, rect))


def _paint_grip(painter: QPainter, center: QPointF, ratio: float) -> None:
    """A handle with two arrows on the wipe line."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(hud.HALO, 2 * ratio))
    painter.setBrush(hud.INK)
    painter.drawEllipse(center, 13 * ratio, 13 * ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.black)
    for forward, dx in ((False, -5.5), (True, 5.5)):
        painter.drawPolygon(hud.arrow(center + QPointF(dx * ratio, 0), 6 * ratio, 8 * ratio, forward))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
