"""What happens at each sampling step: noise levels, γ, and whether SAP or TAP acts. Torch-free, shared with the window."""

import numpy as np
from numpy.typing import NDArray

from dcvsr_engine.events import StepKind
from dcvsr_engine.settings import GammaDirection, RestoreSettings

Levels = NDArray[np.float64]


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Levels:
    """Noise levels ``(steps + 1,)``, falling from ``sigma_max`` to ``sigma_min`` and then 0 (Karras et al. 2022, eq. 5).

    One step is ``[sigma_max, 0]``.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    ramp = np.linspace(0, 1, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)


def gamma_schedule(sigmas: Levels, rho: float, peak: float = 1.0, direction: GammaDirection = "falling") -> Levels:
    """Detail suppression γ_t of each step (method.md §5): ``((ln σ − ln σ_min) / (ln σ_max − ln σ_min)) ^ ρ``, times ``peak``.

    Args:
        sigmas: noise levels of the steps ``(steps,)``, without the final zero.
        rho: exponent; small for heavy degradation or animation, large for light.
        peak: γ at the first step; 0 turns detail suppression off.
        direction: ``"falling"`` as in the paper; ``"rising"`` mirrors the curve in time.

    Returns:
        γ ``(steps,)``, between 0 and ``peak``. A single step gets ``peak``.
    """
    logs = np.log(sigmas)
    span = logs[0] - logs[-1]
    fraction = np.clip((logs - logs[-1]) / span, 0, 1) if span > 0 else np.ones_like(logs)
    gamma = peak * fraction**rho
    return gamma if direction == "falling" else gamma[::-1].copy()


def step_kinds(steps: int, settings: RestoreSettings) -> list[StepKind]:
    """Which propagation acts in each step, first step first.

    Even ``t`` is a SAP step and odd ``t`` a TAP step, numbered down ``t = steps … 1`` (method.md §1.5); directions of
    TAP alternate over its steps, forward first (§4).
    """
    kinds: list[StepKind] = []
    tap_steps = 0
    for t in range(steps, 0, -1):
        if t % 2 == 0:
            kinds.append(StepKind.SAP if settings.sap else StepKind.PLAIN)
        elif not settings.tap:
            kinds.append(StepKind.PLAIN)
        else:
            backward = settings.tap_direction == "backward" or (settings.tap_direction == "alternate" and tap_steps % 2 == 1)
            kinds.append(StepKind.TAP_BACKWARD if backward else StepKind.TAP_FORWARD)
            tap_steps += 1
    return kinds
