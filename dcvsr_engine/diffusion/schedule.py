"""The schedule: noise level, γ and kind of every step, and the method's counting. Torch-free: planner and window ask it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.diffusion.branch import Branch, acts, branches_of, is_distinct, needs_degraded
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import (
    GammaDirection,
    Guidance,
    PropagationOrder,
    ResolvedSettings,
    SapSchedule,
)

Levels = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One sampling step.

    Attributes:
        index: counted from 0; the paper's ``t`` is ``steps - index``.
        sigma, sigma_next: noise level before and after the step.
        gamma: detail suppression γ_t, 0 where guidance is not DSSAG.
        kind: which propagation acts.
        guided: whether guidance acts, see the settings ``guidance_low`` and ``guidance_high``.
        extrapolation: how far the estimate is extrapolated from that of the step before; see `extrapolations`.
        reuses: whether the network's deep levels are left out: their features of an earlier step serve.
    """

    index: int
    sigma: float
    sigma_next: float
    gamma: float
    kind: StepKind
    guided: bool = True
    extrapolation: float = 0.0
    reuses: bool = False


class Pass(StrEnum):
    """An evaluation of all tiles of a window, by its use of foreign keys and values (method.md §3)."""

    PLAIN = "plain"
    """No spatial propagation."""
    COLLECT = "collect"
    """Only collects keys and values; the estimates are not merged."""
    INJECT = "inject"
    """Attends to keys and values that were collected before."""
    LOCKSTEP = "lockstep"
    """All tiles in one batch, which exchange keys and values within the layer."""
    STAGED = "staged"
    """The same in smaller batches, which wait for each other within the layer."""


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Levels:
    """Noise levels ``(steps + 1,)``, falling from ``sigma_max`` to ``sigma_min`` and then 0 (Karras et al. 2022, eq. 5).

    One step is ``[sigma_max, 0]``.

    Raises:
        ValueError: there is no step.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    ramp = np.linspace(0, 1, steps)
    # linear in σ^(1/ρ), so that steps are short where the noise is low
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)


def gamma_schedule(sigmas: Levels, rho: float, peak: float = 1.0, direction: GammaDirection = "falling") -> Levels:
    """Detail suppression γ_t of each step (method.md §5): ``((ln σ − ln σ_min) / (ln σ_max − ln σ_min)) ^ ρ``, times ``peak``.

    Args:
        sigmas: noise levels of the steps ``(steps,)``, without the final zero.
        rho: exponent; small for heavy degradation or animation, large for light.
        peak: γ at the first step; 0 turns detail suppression off.
        direction: ``"falling"`` as in the paper; ``"rising"`` mirrors the curve in time, ``"mirrored"`` in ln σ:
            ``((ln σ − ln σ_max) / (ln σ_min − ln σ_max)) ^ ρ``.

    Returns:
        γ ``(steps,)``, between 0 and ``peak``. A single step gets ``peak``.
    """
    logs = np.log(sigmas)
    span = logs[0] - logs[-1]
    if span == 0:  # a single step is the first one, with the peak
        return np.full_like(logs, peak)
    fraction = np.clip((logs - logs[-1]) / span, 0, 1)
    gamma: Levels = peak * (1 - fraction if direction == "mirrored" else fraction) ** rho
    return gamma[::-1].copy() if direction == "rising" else gamma


def extrapolations(sigmas: Levels) -> Levels:
    """Extrapolation of the estimates by DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2): ``h_i / 2 h_{i-1}``.

    An Euler step towards ``x̂_0 + w (x̂_0 − x̂_0 of the step before)`` is a step of that solver, where h are differences of −ln σ.

    Args:
        sigmas: noise levels ``(steps + 1,)``, the final zero included.

    Returns:
        w ``(steps,)``: 0 in the first step, which has none before it, and in the last, where the estimate is the result.
    """
    lengths = -np.diff(np.log(sigmas[:-1]))
    inner: Levels = lengths[1:] / (2 * lengths[:-1])
    return np.pad(inner, 1)[: len(sigmas) - 1]


def step_kinds(steps: int, settings: ResolvedSettings) -> list[StepKind]:
    """Choose the propagation of each step, first step first.

    Even ``t`` is a SAP step and odd ``t`` a TAP step, numbered down ``t = steps … 1`` (method.md §1.5); directions of
    TAP alternate over its steps, forward first (§4). Other orders are for research [C].
    """
    kinds: list[StepKind] = []
    tap_steps = 0
    for index in range(steps):
        if is_spatial(index, steps, settings.propagation_order):
            kinds.append(StepKind.SAP if settings.sap else StepKind.PLAIN)
        elif not settings.tap:
            kinds.append(StepKind.PLAIN)
        else:
            backward = settings.tap_direction == "backward" or (settings.tap_direction == "alternate" and tap_steps % 2 == 1)
            kinds.append(StepKind.TAP_BACKWARD if backward else StepKind.TAP_FORWARD)
            tap_steps += 1
    return kinds


def is_spatial(index: int, steps: int, order: PropagationOrder) -> bool:
    """Whether step ``index`` (0-based) of ``steps`` is one of SAP (method.md §1.5)."""
    if order == "sap-first":
        return index < steps // 2
    if order == "tap-first":
        return index >= steps - steps // 2
    # t falls to 1, so that the last step is TAP whatever the number of steps
    return (steps - index) % 2 == (0 if order == "tap-last" else 1)


def has_sap_steps(settings: ResolvedSettings, steps: int) -> bool:
    """Whether spatial propagation acts in any of ``steps`` steps: it does not where there is only one."""
    return StepKind.SAP in step_kinds(steps, settings)


def steps_of(settings: ResolvedSettings, declaration: Declaration) -> list[Step]:
    """The schedule, first step first."""
    sigmas = karras_sigmas(settings.steps, declaration.sigma_min, declaration.sigma_max, settings.karras_rho)
    peak = settings.gamma_peak if settings.guidance == "dssag" else 0.0
    gammas = gamma_schedule(sigmas[:-1], settings.gamma_rho, peak, settings.gamma_direction)
    kinds = step_kinds(settings.steps, settings)
    guided = [settings.guidance_low <= sigma <= settings.guidance_high for sigma in sigmas]
    further = extrapolations(sigmas) if settings.solver == "dpmpp-2m" else np.zeros(settings.steps)
    steps = [
        Step(
            index=i,
            sigma=float(sigmas[i]),
            sigma_next=float(sigmas[i + 1]),
            gamma=float(gammas[i]) if guided[i] else 0.0,
            kind=kinds[i],
            guided=guided[i],
            extrapolation=float(further[i]),
        )
        for i in range(settings.steps)
    ]
    return [replace(step, reuses=reused) for step, reused in zip(steps, reusing(steps, settings, declaration), strict=True)]


def reusing(steps: Sequence[Step], settings: ResolvedSettings, declaration: Declaration) -> Iterator[bool]:
    """Whether each step reuses deep features: all but every ``settings.reuse``-th, where they are there.

    They are not where tiles have moved, or where a step has a branch that the last full step had not. SAG looks into deep levels.
    """
    since, held = 0, frozenset[Branch]()
    for step in steps:
        mode = mode_of(step, settings)
        needed = frozenset(
            branch.slot for branch in branches_of(mode, settings.guidance_scale, step.gamma, is_distinct(declaration))
        )
        fits = settings.tiling == "paper" and not needs_degraded(mode, settings.guidance_scale)
        reused = fits and 0 < since < settings.reuse and needed <= held
        since, held = (since + 1, held) if reused else (1, needed)
        yield reused


# -- counting ---------------------------------------------------------------------------------------------------


def passes(step: Step, schedule: SapSchedule) -> tuple[Pass, ...]:
    """The passes that ``step`` makes over its tiles, in order: one, or two where SAP first has to collect keys.

    The cached schedule has the keys of the step before, but for the first step (method.md §3).
    """
    if step.kind != StepKind.SAP:
        return (Pass.PLAIN,)
    if schedule in ("lockstep", "staged"):
        return (Pass(schedule),)
    if schedule == "cached" and step.index > 0:
        return (Pass.INJECT,)
    return Pass.COLLECT, Pass.INJECT


def mode_of(step: Step, settings: ResolvedSettings) -> Guidance:
    """The guidance of a step."""
    return settings.guidance if step.guided else "none"


def evaluations(step: Step, settings: ResolvedSettings, declaration: Declaration) -> int:
    """U-Net evaluations of one tile in ``step``: in every pass one per branch, and one of SAG's degraded input."""
    mode = mode_of(step, settings)
    branches = branches_of(mode, settings.guidance_scale, step.gamma, is_distinct(declaration))
    # the degraded input is made from the first estimates, so it needs an evaluation of its own
    degraded = needs_degraded(mode, settings.guidance_scale)
    return len(passes(step, settings.sap_schedule)) * (len(branches) + degraded)


def most_branches(settings: ResolvedSettings, declaration: Declaration) -> int:
    """U-Net rows per tile in one evaluation, in the step that has most branches."""
    scale, distinct = settings.guidance_scale, is_distinct(declaration)
    steps = steps_of(settings, declaration)
    return max(len(branches_of(mode_of(step, settings), scale, step.gamma, distinct)) for step in steps)


def guidance_acts(settings: ResolvedSettings, declaration: Declaration) -> bool:
    """Whether guidance changes the estimate of any step."""
    scale, distinct = settings.guidance_scale, is_distinct(declaration)
    return any(acts(mode_of(step, settings), scale, step.gamma, distinct) for step in steps_of(settings, declaration))
