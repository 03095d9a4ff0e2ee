"""Texts that are data – labels of settings, the models' catalogue – in the user's language."""

from PySide6.QtCore import QCoreApplication


def words(text: str) -> str:
    """A label, choice or explanation of a setting, or a text of the catalogue, translated."""
    return QCoreApplication.translate("Settings", text)
