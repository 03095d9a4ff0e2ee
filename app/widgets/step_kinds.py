"""Kinds of sampling steps in words and signs: the one place where a `StepKind` gets its labels."""

from PySide6.QtCore import QCoreApplication

from dcvsr_engine.events import StepKind

STEP_SIGNS: dict[StepKind, str] = {StepKind.PLAIN: "", StepKind.SAP: "S", StepKind.TAP_FORWARD: "→", StepKind.TAP_BACKWARD: "←"}
"""For cells too small for a word."""


def step_name(kind: StepKind) -> str:
    """A kind's short name."""
    texts: dict[StepKind, str] = {
        StepKind.PLAIN: QCoreApplication.translate("StepKinds", "Plain step"),
        StepKind.SAP: "SAP",
        StepKind.TAP_FORWARD: QCoreApplication.translate("StepKinds", "TAP forward"),
        StepKind.TAP_BACKWARD: QCoreApplication.translate("StepKinds", "TAP backward"),
    }
    return texts[kind]


def step_explanation(kind: StepKind) -> str:
    """What propagates in a step of this kind."""
    texts: dict[StepKind, str] = {
        StepKind.PLAIN: QCoreApplication.translate("StepKinds", "no propagation"),
        StepKind.SAP: QCoreApplication.translate("StepKinds", "SAP, tiles of a frame see each other"),
        StepKind.TAP_FORWARD: QCoreApplication.translate("StepKinds", "TAP forward, each window sees the one before it"),
        StepKind.TAP_BACKWARD: QCoreApplication.translate("StepKinds", "TAP backward, each window sees the one after it"),
    }
    return texts[kind]
