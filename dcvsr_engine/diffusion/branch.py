"""The branches of guidance: which estimates a guided step compares (method.md §5). Torch-free, shared with planner and window."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import Guidance


@dataclass(frozen=True)
class Branch:
    """One estimate of a guided step.

    Attributes:
        conditional: whether the declared condition is kept.
        gamma: detail suppression of every spatial self-attention, 0 for none.
        identity: PAG's perturbation: the middle block's attention maps become the identity.
        degraded: SAG's second evaluation: the input was blurred where attention is high.
    """

    conditional: bool = True
    gamma: float = 0.0
    identity: bool = False
    degraded: bool = False

    @property
    def slot(self) -> "Branch":
        """The branch whose keys and values this one shares from step to step, while γ changes."""
        return dataclasses.replace(self, gamma=0.0)

    @property
    def code(self) -> str:
        """The branch without γ as digits, for names in files; see `from_code`."""
        return f"{int(self.conditional)}{int(self.identity)}{int(self.degraded)}"

    @classmethod
    def from_code(cls, code: str) -> Self:
        """The inverse of `code`."""
        conditional, identity, degraded = (digit == "1" for digit in code)
        return cls(conditional, 0.0, identity, degraded)


CONDITIONAL = Branch()


def branches_of(mode: Guidance, scale: float, gamma: float, distinct: bool) -> tuple[Branch, ...]:
    """The branches that one evaluation of a step needs, the conditional one first.

    Branches that would give the same estimate are left out: at scale 1, and where the model's unconditional branch
    drops nothing and γ is 0.

    Args:
        mode: the kind of guidance.
        scale: ``1 + s`` of eq. 9; 1 is no guidance.
        gamma: γ_t of the step, for DSSAG.
        distinct: whether the unconditional branch drops anything, see `is_distinct`.
    """
    unconditional = Branch(conditional=False, gamma=gamma if mode == "dssag" else 0.0)
    if mode == "none" or scale == 1:
        return (CONDITIONAL,)
    # PAG's perturbed branch differs from the conditional one whatever the model drops
    if mode == "pag":
        return (CONDITIONAL, unconditional, Branch(identity=True)) if distinct else (CONDITIONAL, Branch(identity=True))
    if not distinct and unconditional.gamma == 0:
        return (CONDITIONAL,)
    return CONDITIONAL, unconditional


def needs_degraded(mode: Guidance, scale: float) -> bool:
    """Whether a step also evaluates a degraded input, after its branches: SAG does (Hong et al. 2023)."""
    return mode == "sag" and scale != 1


def acts(mode: Guidance, scale: float, gamma: float, distinct: bool) -> bool:
    """Whether guidance changes a step's estimate at all; arguments as for `branches_of`."""
    return needs_degraded(mode, scale) or len(branches_of(mode, scale, gamma, distinct)) > 1


def is_distinct(declaration: Declaration) -> bool:
    """Whether the model's unconditional branch drops anything that is there (method.md §5)."""
    # without an image encoder the embedding is zeros already: dropping it changes nothing
    dropped = declaration.unconditional
    return "condition" in dropped or ("image_embedding" in dropped and declaration.image_embedding == "first-frame")


def alike_parts(declaration: Declaration, branches: int) -> int:
    """Into how many parts with the same numbers the input of ``branches`` divides: all, where none drops the condition."""
    return 1 if "condition" in declaration.unconditional else branches
