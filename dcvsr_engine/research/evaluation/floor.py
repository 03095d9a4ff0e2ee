"""The minimum that the built-in model must reach on the evaluation clips, and whether a table shows it."""

from dcvsr_engine.research.evaluation.table import Table

ST_LPIPS_SHARE = 0.65
"""Largest mean ST-LPIPS as a share of bicubic's."""

PSNR_Y_LOSS = 0.5
"""Largest loss of mean PSNR-Y against bicubic in dB."""


def floor(table: Table, method: str, reference: str = "bicubic") -> list[tuple[bool, str]]:
    """Check each requirement.

    Args:
        table: with the columns ``method`` and ``reference``.
        method: the column to check.
        reference: the column it is compared with.

    Returns:
        Per requirement, whether it is met and a sentence with the numbers; without numbers it is not met.
    """
    verdicts = []
    for row in ("ST-LPIPS", "PSNR-Y"):
        ours, theirs = (table.mean(name, row).value for name in (method, reference))
        if ours is None or theirs is None:
            verdicts.append((False, f"{row} of {method}: {table.mean(method, row).reason}"))
        elif row == "ST-LPIPS":
            share = ours / theirs
            sentence = f"ST-LPIPS of {method} is {share:.3f} × bicubic's (at most {ST_LPIPS_SHARE})"
            verdicts.append((share <= ST_LPIPS_SHARE, sentence))
        else:
            loss = theirs - ours
            sentence = f"PSNR-Y of {method} is {loss:+.2f} dB below bicubic's (at most {PSNR_Y_LOSS})"
            verdicts.append((loss <= PSNR_Y_LOSS, sentence))
    return verdicts
