"""A program from which files are dragged: ``python drag_source.py FILE …``. It says how each drop was answered."""

import sys

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel

PLACE = 0, 0, 60, 30
"""Left, top, width and height on the screen."""


class Files(QLabel):
    """Lies in a corner of the screen, in front of everything; a pressed mouse takes hold of the files."""

    def __init__(self, names: list[str]) -> None:
        super().__init__("files")
        self._names = names
        # a window manager would put it elsewhere, and give it the focus
        self.setWindowFlags(Qt.WindowType.X11BypassWindowManagerHint | Qt.WindowType.WindowStaysOnTopHint)
        self.setGeometry(*PLACE)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, as a file manager does: whoever takes the files may copy or move them."""
        data, drag = QMimeData(), QDrag(self)
        data.setUrls([QUrl.fromLocalFile(name) for name in self._names])
        drag.setMimeData(data)
        offered = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction | Qt.DropAction.LinkAction
        print(drag.exec(offered, Qt.DropAction.MoveAction).name, flush=True)


if __name__ == "__main__":
    app = QApplication(sys.argv[:1])
    files = Files(sys.argv[1:])
    files.show()
    print("ready", flush=True)
    app.exec()
