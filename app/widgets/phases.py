"""Phases of a job in words."""

from PySide6.QtCore import QCoreApplication

from dcvsr_engine.events import Phase


def phase_name(phase: Phase) -> str:
    """What happens in a phase."""
    texts: dict[Phase, str] = {
        "load": QCoreApplication.translate("Phases", "loading the model"),
        "analyse": QCoreApplication.translate("Phases", "detecting shots"),
        "encode": QCoreApplication.translate("Phases", "preparing frames"),
        "sample": QCoreApplication.translate("Phases", "restoring"),
        "decode": QCoreApplication.translate("Phases", "finishing frames"),
        "write": QCoreApplication.translate("Phases", "writing"),
        "publish": QCoreApplication.translate("Phases", "finishing the file"),
    }
    return texts[phase]
