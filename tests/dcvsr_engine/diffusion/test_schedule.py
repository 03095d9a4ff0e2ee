"""Noise levels, γ and the kinds of steps against the definitions."""

import numpy as np
import pytest
import reference
from diffusers import EulerDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.diffusion.schedule import (
    Pass,
    evaluations,
    gamma_schedule,
    guidance_acts,
    has_sap_steps,
    karras_sigmas,
    mode_of,
    most_branches,
    passes,
    step_kinds,
    steps_of,
)
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import RestoreSettings

DECLARED = Declaration(name="tiny", title="Tiny", first_stage="vae", factor=2, multiple=2, sigma_min=0.01, sigma_max=80.0)


def resolved(**changes):
    return DECLARED.resolve(RestoreSettings(**({"guidance": "dssag", "steps": 4} | changes)))


@given(st.integers(1, 60), st.floats(1e-3, 0.1), st.floats(1, 1000))
def test_karras_sigmas_are_those_of_the_paper(steps, low, high):
    np.testing.assert_allclose(karras_sigmas(steps, low, high), reference.karras(steps, low, high), rtol=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_karras_sigmas_are_those_of_diffusers(steps):
    scheduler = EulerDiscreteScheduler(use_karras_sigmas=True, sigma_min=0.002, sigma_max=700.0)
    scheduler.set_timesteps(steps)
    np.testing.assert_allclose(karras_sigmas(steps, 0.002, 700.0), scheduler.sigmas.numpy(), rtol=1e-5)


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        karras_sigmas(0, 0.002, 700)


@given(st.integers(2, 60), st.floats(0.05, 8), st.floats(0.01, 8))
def test_gamma_follows_the_definition(steps, rho, peak):
    sigmas = karras_sigmas(steps, 0.002, 700)[:-1]
    gamma = gamma_schedule(sigmas, rho, peak)
    np.testing.assert_allclose(gamma, peak * np.array(reference.gammas(list(sigmas), rho)), atol=1e-9)
    assert gamma[0] == pytest.approx(peak)
    assert gamma[-1] == 0
    assert (np.diff(gamma) <= 0).all()
    np.testing.assert_array_equal(gamma_schedule(sigmas, rho, peak, "rising"), gamma[::-1])
    logs = np.log(sigmas)
    mirrored = peak * np.clip((logs - logs[0]) / (logs[-1] - logs[0]), 0, 1) ** rho
    np.testing.assert_allclose(gamma_schedule(sigmas, rho, peak, "mirrored"), mirrored, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("direction", "gamma"), [("falling", 0.838), ("rising", 0.838), ("mirrored", 0.546)])
def test_the_two_ways_to_reverse_gamma_differ_in_the_middle(direction, gamma):
    sigmas = karras_sigmas(25, 0.002, 700)[:-1]
    assert gamma_schedule(sigmas, 0.5, 1.0, direction)[12] == pytest.approx(gamma, abs=5e-4)


def test_a_single_step_has_the_peak():
    assert gamma_schedule(np.array([700.0]), 0.5, 1.5) == pytest.approx([1.5])


@pytest.mark.parametrize(
    "changes, steps, expected",
    [
        ({}, 5, [StepKind.TAP_FORWARD, StepKind.SAP, StepKind.TAP_BACKWARD, StepKind.SAP, StepKind.TAP_FORWARD]),
        ({}, 4, [StepKind.SAP, StepKind.TAP_FORWARD, StepKind.SAP, StepKind.TAP_BACKWARD]),
        ({"tap_direction": "forward"}, 4, [StepKind.SAP, StepKind.TAP_FORWARD, StepKind.SAP, StepKind.TAP_FORWARD]),
        ({"tap_direction": "backward"}, 3, [StepKind.TAP_BACKWARD, StepKind.SAP, StepKind.TAP_BACKWARD]),
        ({"sap": False}, 4, [StepKind.PLAIN, StepKind.TAP_FORWARD, StepKind.PLAIN, StepKind.TAP_BACKWARD]),
        ({"tap": False}, 3, [StepKind.PLAIN, StepKind.SAP, StepKind.PLAIN]),
        ({"sap": False, "tap": False}, 2, [StepKind.PLAIN, StepKind.PLAIN]),
    ],
)
def test_even_steps_are_spatial_and_odd_ones_temporal_in_turns(changes, steps, expected):
    assert step_kinds(steps, resolved(**changes)) == expected


def test_steps_follow_the_declared_range_and_end_at_zero():
    steps = steps_of(resolved(), DECLARED)
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert steps[0].sigma == pytest.approx(80.0) and steps[-1].sigma == pytest.approx(0.01) and steps[-1].sigma_next == 0
    assert [step.sigma_next for step in steps[:-1]] == [step.sigma for step in steps[1:]]
    assert [step.gamma for step in steps] == pytest.approx(reference.gammas([step.sigma for step in steps], 0.5))


def test_gamma_acts_with_dssag_alone():
    assert {step.gamma for step in steps_of(resolved(guidance="cfg"), DECLARED)} == {0.0}


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("lockstep", [(Pass.LOCKSTEP,), (Pass.PLAIN,), (Pass.LOCKSTEP,), (Pass.PLAIN,)]),
        ("two-pass", [(Pass.COLLECT, Pass.INJECT), (Pass.PLAIN,), (Pass.COLLECT, Pass.INJECT), (Pass.PLAIN,)]),
        ("cached", [(Pass.COLLECT, Pass.INJECT), (Pass.PLAIN,), (Pass.INJECT,), (Pass.PLAIN,)]),
    ],
)
def test_passes_of_the_three_schedules(schedule, expected):
    assert [passes(step, schedule) for step in steps_of(resolved(), DECLARED)] == expected


@pytest.mark.parametrize(
    "changes, expected, most",
    [
        ({}, [4, 2, 4, 1], 2),  # at the last step γ is 0, and the branches are the same
        ({"guidance": "cfg"}, [2, 1, 2, 1], 1),
        ({"guidance": "none"}, [2, 1, 2, 1], 1),
        ({"guidance": "sag"}, [4, 2, 4, 2], 1),
        ({"guidance": "pag"}, [4, 2, 4, 2], 2),
        ({"guidance_scale": 1.0}, [2, 1, 2, 1], 1),
        ({"sap": False}, [2, 2, 2, 1], 2),
        ({"gamma_peak": 0.0}, [2, 1, 2, 1], 1),
    ],
)
def test_evaluations_of_a_tile(changes, expected, most):
    settings = resolved(sap_schedule="two-pass", **changes)
    assert [evaluations(step, settings, DECLARED) for step in steps_of(settings, DECLARED)] == expected
    assert most_branches(settings, DECLARED) == most


# -- settings for research --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "spatial"),
    [("tap-last", "01010"), ("sap-last", "10101"), ("sap-first", "11000"), ("tap-first", "00011")],
)
def test_sap_and_tap_come_in_the_chosen_order(order, spatial):
    kinds = step_kinds(5, resolved(propagation_order=order))
    assert "".join(str(int(kind == StepKind.SAP)) for kind in kinds) == spatial
    assert has_sap_steps(resolved(propagation_order=order), 1) == (order == "sap-last")


def test_guidance_acts_between_two_noise_levels():
    chosen = resolved(steps=6, guidance_scale=2.0, guidance_low=0.1, guidance_high=20.0)
    steps = steps_of(chosen, DECLARED)
    assert [step.guided for step in steps] == [0.1 <= step.sigma <= 20.0 for step in steps] and {
        step.guided for step in steps
    } == {True, False}
    assert all(step.gamma == 0 for step in steps if not step.guided)
    assert [mode_of(step, chosen) for step in steps] == ["dssag" if step.guided else "none" for step in steps]
    plain = resolved(steps=6, guidance="none")
    for step, unguided in zip(steps, steps_of(plain, DECLARED), strict=True):
        if not step.guided:
            assert evaluations(step, chosen, DECLARED) == evaluations(unguided, plain, DECLARED)
    assert not guidance_acts(chosen.replace(guidance_low=1e5), DECLARED) and guidance_acts(chosen, DECLARED)


def test_noise_levels_have_the_chosen_rho():
    sigmas = [step.sigma for step in steps_of(resolved(steps=5, karras_rho=3.0), DECLARED)]
    np.testing.assert_allclose(sigmas, karras_sigmas(5, 0.01, 80.0, 3.0)[:-1])


def test_the_faster_solver_extrapolates_in_all_steps_but_the_first_and_the_last():
    for count in range(1, 6):
        weights = [step.extrapolation for step in steps_of(resolved(steps=count, solver="dpmpp-2m"), DECLARED)]
        assert [weight > 0 for weight in weights] == [0 < i < count - 1 for i in range(count)]
    assert all(step.extrapolation == 0 for step in steps_of(resolved(steps=5), DECLARED))


def test_steps_reuse_deep_features_only_of_a_step_with_the_same_branches_and_tiles():
    def reused(**changes):
        return [step.reuses for step in steps_of(resolved(**({"steps": 6, "tiling": "paper"} | changes)), DECLARED)]

    assert reused() == [False] * 6
    assert reused(reuse=2) == [False, True] * 3 and reused(reuse=3) == [False, True, True] * 2
    assert reused(reuse=2, tiling="fast") == reused(reuse=2, guidance="sag", guidance_scale=2.0) == [False] * 6
    # guidance begins with the third step: its unconditional branch is not there before
    sigmas = [step.sigma for step in steps_of(resolved(steps=6), DECLARED)]
    late = reused(reuse=4, guidance="dssag", guidance_scale=2.0, guidance_high=sigmas[2])
    assert late == [False, True, False, True, True, True]
    early = reused(reuse=4, guidance="dssag", guidance_scale=2.0, guidance_low=sigmas[1])
    assert early == [False, True, True, True, False, True], "the conditional branch is there all the time"
