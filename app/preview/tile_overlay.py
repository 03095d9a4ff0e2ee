"""The engine's tile grid painted over the picture (method.md §1.4, §3, §4)."""

from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from app.preview import hud
from app.preview.model import Position, Viewport
from app.preview.tiling_state import TileState, TilingState
from app.widgets.step_kinds import step_name
from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import Tile, TileGrid, gaussian

FAINT_RIM = QColor(0, 0, 0, 90)
FAINT_LINE = QColor(255, 255, 255, 170)

MIN_KEY_SPACING = 6.0
"""Logical pixels between SAP keys below which they would merge into a veil."""


class TileOverlay:
    """Paints a `TilingState`; all painting is in device pixels of a pane.

    Attributes:
        state: what is painted.
    """

    def __init__(self, state: TilingState) -> None:
        self.state = state
        self._weights: tuple[tuple[int, int, float], QImage] | None = None

    def tr(self, text: str) -> str:
        """A translated text."""
        return QCoreApplication.translate("TileOverlay", text)

    # -- texts --------------------------------------------------------------------------------------------------

    def describe(self, frame: int, point: Position) -> str:
        """Facts about the tile at an output position of a frame; empty outside the grid."""
        covering = self.state.tiles_at(frame, *point)
        grid = self.state.grid
        if not covering or grid is None:
            return ""
        tile, weight = covering[0]  # the heaviest
        row, column = divmod(tile.m, len(grid.columns))
        first, last = self.state.window_frames(tile.n)
        share = weight / sum(other for _, other in covering)
        lines = [
            self.tr("Tile {tile} of {tiles} · row {row} of {rows} · column {column} of {columns}").format(
                tile=tile.m + 1,
                tiles=grid.spatial,
                row=row + 1,
                rows=len(grid.rows),
                column=column + 1,
                columns=len(grid.columns),
            ),
            self.tr("Window {window} of {windows} · frames {first}–{last}").format(
                window=tile.n + 1, windows=len(grid.windows), first=first, last=last
            ),
            self.tr("Here it has {share} of the blend of {count} tiles").format(share=f"{share:.0%}", count=len(covering))
            if len(covering) > 1
            else self.tr("No other tile reaches here"),
        ]
        if self.state.kind is not None:
            lines.append(self._state_text(self.state.tile_state(tile.m, tile.n)))
        return "\n".join(lines)

    def step_text(self, frame: int, viewport: Viewport, ratio: float) -> str:
        """What the running step does, for the frame that is seen; empty when nothing runs."""
        kind = self.state.kind
        if kind == StepKind.SAP:
            text = self.tr("SAP · tiles share one key per {rate} × {rate} latent pixels").format(rate=self.state.sap_rate)
            return (
                text
                if min(self._key_spacing(viewport)) >= MIN_KEY_SPACING * ratio
                else text + "\n" + self.tr("Zoom in to see the keys")
            )
        if kind is not None and kind.is_tap:
            lines = [step_name(kind)]
            for n in self.state.windows_at(frame):
                if n in self.state.chosen:
                    frames = ", ".join(str(chosen) for chosen in sorted(self.state.chosen[n]))
                    lines.append(self.tr("Window {n} passes on frames {frames}").format(n=n + 1, frames=frames))
            return "\n".join(lines)
        return step_name(kind) if kind else ""

    def legend(self) -> list[tuple[QColor, str]]:
        """Colours that are painted now, and what they mean."""
        entries = [(hud.OVERLAP_COLOR, self.tr("Tiles overlap"))]
        if self.state.kind is not None:
            entries += [(hud.RUNNING_COLOR, self.tr("Running")), (hud.DONE_COLOR, self.tr("Done in this step"))]
        if self.state.kind == StepKind.SAP:
            entries.append((hud.CHOSEN_COLOR, self.tr("Keys that tiles share")))
        elif self.state.kind is not None and self.state.kind.is_tap:
            entries.append((hud.CHOSEN_COLOR, self.tr("Frames passed on (diamonds below)")))
        return entries

    def _state_text(self, state: TileState) -> str:
        return {
            "waiting": self.tr("Waiting in this step"),
            "running": self.tr("Being denoised now"),
            "done": self.tr("Done in this step"),
        }[state]

    # -- painting -----------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, viewport: Viewport, frame: int, hover: Position | None, ratio: float) -> None:
        """Paint over the picture; ``hover`` is an output position, ``ratio`` device pixels per logical one."""
        grid = self.state.grid
        if grid is None:
            return
        painter.save()
        corners = (QPointF(*viewport.to_view(corner)) for corner in ((0, 0), viewport.picture))
        # tiles reach beyond the picture, whose latents are padded
        painter.setClipRect(QRectF(*corners), Qt.ClipOperation.IntersectClip)
        self._paint_overlaps(painter, viewport, grid)
        if self.state.kind is not None:
            self._paint_states(painter, viewport, grid, frame, ratio)
        if self.state.kind == StepKind.SAP:
            self._paint_keys(painter, viewport, grid, ratio)
        self._paint_borders(painter, viewport, grid, ratio)
        if self.state.kind is not None and self.state.kind.is_tap:
            _paint_direction(painter, viewport, self.state.kind == StepKind.TAP_FORWARD, ratio)
        covering = self.state.tiles_at(frame, *hover) if hover else []
        if covering:
            self._paint_hovered(painter, viewport, covering[0][0], grid.spread, ratio)
        painter.restore()

    def _rect(self, viewport: Viewport, top: float, left: float, bottom: float, right: float) -> QRectF:
        """A latent rectangle in device pixels."""
        factor, (x, y) = self.state.factor, self.state.origin
        return QRectF(
            QPointF(*viewport.to_view((x + left * factor, y + top * factor))),
            QPointF(*viewport.to_view((x + right * factor, y + bottom * factor))),
        )

    def _tile_rect(self, viewport: Viewport, tile: Tile) -> QRectF:
        return self._rect(viewport, tile.top, tile.left, tile.top + tile.height, tile.left + tile.width)

    def _paint_overlaps(self, painter: QPainter, viewport: Viewport, grid: TileGrid) -> None:
        """Bands where neighbouring columns, and rows, lie over each other."""
        band = QColor(hud.OVERLAP_COLOR)
        for index, (start, following) in enumerate(pairwise(grid.columns)):
            # stronger and weaker in turn, so that neighbouring bands stay apart
            band.setAlpha(36 if index % 2 else 12)
            painter.fillRect(self._rect(viewport, 0, following, grid.height, start + grid.tile_width), band)
        for index, (start, following) in enumerate(pairwise(grid.rows)):
            band.setAlpha(36 if index % 2 else 12)
            painter.fillRect(self._rect(viewport, following, 0, start + grid.tile_height, grid.width), band)

    def _paint_borders(self, painter: QPainter, viewport: Viewport, grid: TileGrid, ratio: float) -> None:
        whole = self._rect(viewport, 0, 0, grid.height, grid.width)
        lines = []
        for column in sorted({edge for start in grid.columns for edge in (start, start + grid.tile_width)}):
            x = self._rect(viewport, 0, column, 0, column).x()
            lines.append(QLineF(x, whole.top(), x, whole.bottom()))
        for row in sorted({edge for start in grid.rows for edge in (start, start + grid.tile_height)}):
            y = self._rect(viewport, row, 0, row, 0).y()
            lines.append(QLineF(whole.left(), y, whole.right(), y))
        hud.stroke(painter, (QPen(FAINT_RIM, 3 * ratio), QPen(FAINT_LINE, ratio)), partial(painter.drawLines, lines))

    def _paint_states(self, painter: QPainter, viewport: Viewport, grid: TileGrid, frame: int, ratio: float) -> None:
        """Each tile's own cell – where no other weighs more – in the colour of its state."""
        rows, columns = _cells(grid.rows, grid.tile_height, grid.height), _cells(grid.columns, grid.tile_width, grid.width)
        seen = QRectF(0, 0, *viewport.view)
        for m, state in enumerate(self.state.place_states(frame)):
            (top, bottom), (left, right) = rows[m // len(columns)], columns[m % len(columns)]
            cell = self._rect(viewport, top, left, bottom, right)
            if state == "waiting" or not cell.intersects(seen):
                continue
            color = QColor(hud.RUNNING_COLOR if state == "running" else hud.DONE_COLOR)
            color.setAlpha(90 if state == "running" else 60)
            painter.fillRect(cell, color)
            if state == "done":
                _paint_tick(painter, cell, ratio)

    def _key_spacing(self, viewport: Viewport) -> Position:
        """Device pixels between keys, across and down."""
        across, down = viewport.zooms
        rate = self.state.factor * self.state.sap_rate
        return rate * across, rate * down

    def _paint_keys(self, painter: QPainter, viewport: Viewport, grid: TileGrid, ratio: float) -> None:
        """A dot per latent pixel whose keys the tiles share (method.md §3)."""
        across, down = self._key_spacing(viewport)
        spacing = min(across, down)
        if spacing < MIN_KEY_SPACING * ratio:
            return
        size = max(1, round(ratio)) * (2 if spacing >= 2 * MIN_KEY_SPACING * ratio else 1)
        # one image: there may be tens of thousands of dots
        dots = np.zeros((viewport.view[1], viewport.view[0]), np.uint32)
        corner = self._rect(viewport, 0.5, 0.5, 0.5, 0.5).topLeft()
        xs = _positions(corner.x(), across, -(-grid.width // self.state.sap_rate), viewport.view[0] - 2 * size)
        ys = _positions(corner.y(), down, -(-grid.height // self.state.sap_rate), viewport.view[1] - 2 * size)
        # dark below and bright on top: seen on any picture
        for color, reach in ((0x8C000000, 2 * size), (0xFFF0E442, size)):
            for dy in range(reach):
                for dx in range(reach):
                    dots[np.ix_(ys + dy, xs + dx)] = color
        width, height = viewport.view
        painter.drawImage(0, 0, QImage(dots.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied))

    def _paint_hovered(self, painter: QPainter, viewport: Viewport, tile: Tile, spread: float, ratio: float) -> None:
        """The tile's border and its Gaussian weight as a veil."""
        rect = self._tile_rect(viewport, tile)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, self._weight_image(tile, spread))
        hud.stroke(painter, hud.outlined(hud.OVERLAP_COLOR, 2 * ratio), partial(painter.drawRect, rect))

    def _weight_image(self, tile: Tile, spread: float) -> QImage:
        key = (tile.height, tile.width, spread)
        # all tiles of a grid have the same size, and so the same weights
        if self._weights is None or self._weights[0] != key:
            rows = [gaussian(y, tile.height, spread) for y in range(tile.height)]
            columns = [gaussian(x, tile.width, spread) for x in range(tile.width)]
            image = QImage(tile.width, tile.height, QImage.Format.Format_ARGB32_Premultiplied)
            view = np.frombuffer(image.bits(), np.uint8).reshape(tile.height, tile.width, 4)
            alpha = 0.75 * np.outer(rows, columns)[..., None]
            # ARGB32 lies in memory as B, G, R, A on little-endian machines
            bgra = (hud.OVERLAP_COLOR.blue(), hud.OVERLAP_COLOR.green(), hud.OVERLAP_COLOR.red(), 255)
            view[:] = np.rint(alpha * np.array(bgra)).astype(np.uint8)
            self._weights = key, image
        return self._weights[1]


def _cells(starts: tuple[int, ...], length: int, size: int) -> list[tuple[float, float]]:
    """Stretch of an axis where each tile weighs most: neighbours part in the middle of their overlap."""
    edges = [0.0, *((one + other + length) / 2 for one, other in pairwise(starts)), float(size)]
    return list(pairwise(edges))


def _positions(start: float, spacing: float, count: int, end: int) -> NDArray[np.int64]:
    """Whole device pixels of those evenly spaced marks that are in view."""
    marks: NDArray[np.int64] = np.rint(start + spacing * np.arange(count)).astype(np.int64)
    inside = (marks >= 0) & (marks < end)
    return marks[inside]


def _paint_tick(painter: QPainter, cell: QRectF, ratio: float) -> None:
    size = 5 * ratio
    if min(cell.width(), cell.height()) < 6 * size:
        return
    corner = cell.topLeft() + QPointF(size, size)
    tick = QPolygonF([corner + QPointF(0, size), corner + QPointF(size * 0.8, size * 1.8), corner + QPointF(size * 2.2, 0)])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for width, color in ((4.5, hud.HALO), (2.0, hud.INK)):
        painter.setPen(QPen(color, width * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(tick)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_direction(painter: QPainter, viewport: Viewport, forward: bool, ratio: float) -> None:
    """An arrow at the bottom: the direction in which frames are passed on."""
    shape = hud.arrow(QPointF(viewport.view[0] / 2, viewport.view[1] - 28 * ratio), 72 * ratio, 24 * ratio, forward)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(hud.HALO, 3 * ratio))
    painter.setBrush(hud.CHOSEN_COLOR)
    painter.drawPolygon(shape)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
