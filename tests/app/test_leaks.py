from leaks import busy_objects
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QWidget


class Sleeper(QThread):
    def run(self) -> None:
        self.exec()


def test_running_timers_are_found(qapp):
    timer = QTimer()
    assert timer not in busy_objects()
    timer.start(1000)
    assert timer in busy_objects()
    timer.stop()


def test_running_threads_are_found(qapp):
    thread = Sleeper()
    thread.start()
    assert thread in busy_objects()
    thread.quit()
    thread.wait()
    assert thread not in busy_objects()


def test_windows_are_found_until_they_are_deleted(qapp):
    window = QWidget()
    assert window in busy_objects()
    window.deleteLater()
    before = len(busy_objects())
    del window
    assert len(busy_objects()) <= before
