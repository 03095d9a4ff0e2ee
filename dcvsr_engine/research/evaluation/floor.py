"""The least that the built-in model must do on the evaluation clips, and whether a table shows it."""

from dcvsr_engine.research.evaluation.table import Table

ST_LPIPS_SHARE = 0.65
"""Largest mean ST-LPIPS as a share of bicubic's."""

PSNR_Y_LOSS = 0.5
"""Largest loss of mean PSNR-Y against bicubic in dB."""


def floor(table: Table, method: str, reference: str = "bicubic") -> list[tuple[bool, str]]:
    """Each requirement as whether ``method`` meets it and a sentence with the numbers; one without numbers is not met."""
    found = []
    for row in ("ST-LPIPS", "PSNR-Y"):
        ours, theirs = (table.mean(name, row).value for name in (method, reference))
        if ours is None or theirs is None:
            found.append((False, f"{row} of {method}: {table.mean(method, row).reason}"))
        elif row == "ST-LPIPS":
            share = ours / theirs
            found.append((share <= ST_LPIPS_SHARE, f"ST-LPIPS of {method} is {share:.3f} × bicubic's (at most {ST_LPIPS_SHARE})"))
        else:
            loss = theirs - ours
            found.append((loss <= PSNR_Y_LOSS, f"PSNR-Y of {method} is {loss:+.2f} dB below bicubic's (at most {PSNR_Y_LOSS})"))
    return found
