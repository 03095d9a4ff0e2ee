"""Finds what a test of the window leaves behind."""

import gc

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication


def busy_objects() -> set[QObject]:
    """Running threads and timers, and top-level windows."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    things = [thing for thing in gc.get_objects() if issubclass(type(thing), QThread | QTimer) and shiboken6.isValid(thing)]
    threads = {thing for thing in things if isinstance(thing, QThread) and thing.isRunning()} - {QThread.currentThread()}
    timers = {thing for thing in things if isinstance(thing, QTimer) and thing.isActive()}
    app = QApplication.instance()
    return threads | timers | set(app.topLevelWidgets() if isinstance(app, QApplication) else ())
