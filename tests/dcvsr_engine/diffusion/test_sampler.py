"""The sampler: against diffusers' scheduler, and everything that must not change its result."""

import dataclasses
import itertools
import math

import networks
import numpy as np
import pytest
import reference
import torch
from diffusers import EDMDPMSolverMultistepScheduler, EulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from dcvsr_engine.diffusion.attention import SpatialSelfAttention
from dcvsr_engine.diffusion.sampler import InBatches, PinnedFrames, SegmentState, TiledDenoiser, sample
from dcvsr_engine.diffusion.schedule import Step, steps_of
from dcvsr_engine.events import StepKind
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.tiling.latents import whole

ONE = TileGrid.build(2, 8, 8)
GRID = TileGrid.build(3, 8, 12, 8, 2, align=2)
"""Two tiles, two windows."""
SAP, TAP = {"sap": True}, {"tap": True}


TOP = 20.0


@pytest.fixture(scope="module")
def denoiser():
    """At σ = 700 a float has three decimals left; from 20 on, results can be compared closely."""
    return networks.denoiser(sigma_min=0.02, sigma_max=TOP)


# -- against diffusers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guidance", ["none", "cfg"])
@pytest.mark.parametrize("steps", [1, 5])
def test_one_tile_without_propagation_is_diffusers_euler_loop(guidance, steps):
    """The configuration is that of the scheduler folder of stable-video-diffusion-img2vid."""
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        prediction_type="v_prediction",
        interpolation_type="linear",
        use_karras_sigmas=True,
        sigma_min=0.002,
        sigma_max=700.0,
        timestep_spacing="leading",
        timestep_type="continuous",
        steps_offset=1,
    )
    scheduler.set_timesteps(steps)
    unet, denoiser = networks.unet(), networks.denoiser()
    noise, condition = networks.clip(ONE)
    ids = torch.tensor([[6.0, 127.0, 0.0]])
    x = noise * 700.0
    for timestep in scheduler.timesteps:
        sample = torch.cat([scheduler.scale_model_input(x, timestep), condition], dim=1)[None]
        velocity = unet(sample, timestep, denoiser.embedding, ids).sample[0]
        if guidance == "cfg":
            unconditional = unet(sample, timestep, torch.zeros_like(denoiser.embedding), ids).sample[0]
            velocity = unconditional + 2.0 * (velocity - unconditional)
        x = scheduler.step(velocity, timestep, x).prev_sample
    result = networks.sample(denoiser, networks.settings(steps=steps, guidance=guidance), ONE)
    # diffusers' x + d Δσ cancels: in one step from σ 700 it loses 1.8e-4 (ours: see the test against float64)
    torch.testing.assert_close(result, x, atol=5e-4, rtol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_faster_solver_is_diffusers_in_its_edm_form(steps):
    """With one tile and without propagation, from the same start."""
    scheduler = EDMDPMSolverMultistepScheduler(sigma_min=0.02, sigma_max=TOP, sigma_data=1.0, prediction_type="v_prediction")
    scheduler.set_timesteps(steps)
    unet, denoiser = networks.unet(), networks.denoiser(sigma_min=0.02, sigma_max=TOP)
    noise, condition = networks.clip(ONE)
    ids, x = torch.tensor([[6.0, 127.0, 0.0]]), noise * TOP
    for timestep in scheduler.timesteps:
        sample = torch.cat([scheduler.scale_model_input(x, timestep), condition], dim=1)[None]
        x = scheduler.step(unet(sample, timestep, denoiser.embedding, ids).sample[0], timestep, x).prev_sample
    chosen = networks.settings(steps=steps, solver="dpmpp-2m")
    result, euler = (networks.sample(denoiser, one, ONE) for one in (chosen, chosen.replace(solver="euler")))
    torch.testing.assert_close(result, x, atol=2e-5, rtol=1e-5)
    assert torch.equal(result, euler) == (steps < 3), "the first and the last step are Euler's"


def test_the_faster_solver_follows_the_flow_of_a_gaussian_to_second_order():
    """Halving the steps costs it four times the error, Euler twice; see the test of Euler's for the flow."""
    x, v = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(7)).double(), 0.5
    exact = x * (v / (v + TOP**2)) ** 0.5

    def error(solver, count):
        chosen = networks.settings(steps=count, solver=solver)
        steps = steps_of(chosen, networks.declaration(sigma_min=0.002, sigma_max=TOP))
        return float((sample(lambda x, step: whole(x) * v / (v + step.sigma**2), x, steps) - exact).norm())

    assert error("euler", 40) / error("euler", 80) == pytest.approx(2, rel=0.15)
    assert error("dpmpp-2m", 40) / error("dpmpp-2m", 80) == pytest.approx(4, rel=0.25)
    assert error("dpmpp-2m", 20) < error("euler", 80)


# -- what must not matter ---------------------------------------------------------------------------------------

VARIANTS = {
    "plain": {},
    "dssag": {"guidance": "dssag"},
    "sag": {"guidance": "sag"},
    "sap in two passes": {"sap": True, "guidance": "dssag"},
    "sap in lockstep": {"sap": True, "sap_schedule": "lockstep"},
    "sap staged": {"steps": 2, "sap": True, "sap_schedule": "staged", "guidance": "dssag"},
    "sap staged with sag": {"steps": 2, "sap": True, "sap_schedule": "staged", "guidance": "sag"},
    "sap cached": {"steps": 3, "sap": True, "tap": True, "sap_schedule": "cached", "guidance": "dssag"},
    "tap": {"steps": 3, "tap": True, "guidance": "dssag"},
    "dpm-solver++": {"steps": 5, "solver": "dpmpp-2m", "sap": True, "tap": True, "sap_schedule": "cached"},
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_the_batch_size_does_not_change_the_result(denoiser, changes):
    one, all_at_once = (networks.sample(denoiser, networks.settings(**changes), GRID, batch) for batch in (1, 99))
    torch.testing.assert_close(one, all_at_once, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("guidance", ["none", "cfg", "dssag", "sag", "pag"])
@pytest.mark.parametrize("batch", [1, 2])
def test_staged_lockstep_is_lockstep(denoiser, guidance, batch):
    changes = {"steps": 2, "sap": True, "guidance": guidance}
    staged, lockstep, plain = (
        networks.sample(denoiser, networks.settings(**(changes | more)), GRID, batch)
        for more in ({"sap_schedule": "staged"}, {"sap_schedule": "lockstep"}, {"sap": False})
    )
    torch.testing.assert_close(staged, lockstep, atol=1e-4, rtol=1e-4)
    assert (plain - lockstep).abs().max() > 1e-2, "SAP should do something here"


class Backwards(InBatches):
    """Takes the tiles of a group in reverse."""

    def run(self, estimate, group):
        yield from super().run(estimate, dataclasses.replace(group, tiles=group.tiles[::-1]))


@pytest.mark.parametrize("name", ["plain", "dssag", "sap in two passes"])
def test_the_order_of_tiles_does_not_change_the_result(denoiser, name):
    chosen = networks.settings(**VARIANTS[name])
    forth, back = (networks.sample(denoiser, chosen, GRID, batching=order) for order in (InBatches(1), Backwards(1)))
    torch.testing.assert_close(forth, back, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("order", [InBatches, Backwards])
def test_what_is_collected_for_the_next_step_does_not_depend_on_the_order(denoiser, order):
    """The plain step collects for the cached one."""
    chosen = networks.settings(steps=3, sap=True, sap_schedule="cached")
    expected = networks.sample(denoiser, chosen, GRID, batch=2)
    torch.testing.assert_close(networks.sample(denoiser, chosen, GRID, batching=order(1)), expected, atol=1e-4, rtol=1e-4)


LOCAL = networks.denoiser()
LOCAL.guided = lambda x, sigma, condition, *rest: torch.tanh(x / (1 + sigma)) + condition**2


@settings(max_examples=15)
@given(st.integers(1, 6), st.integers(4, 10), st.integers(4, 10), st.integers(3, 6), st.integers(1, 4), st.floats(0, 0.75))
def test_tiled_equals_untiled_for_a_local_network(frames, height, width, tile, window, overlap):
    whole = TileGrid.build(frames, height, width, 64, 14)
    tiled = TileGrid.build(frames, height, width, tile, window, overlap)
    chosen = networks.settings(steps=4)
    torch.testing.assert_close(networks.sample(LOCAL, chosen, tiled), networks.sample(LOCAL, chosen, whole), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["sap in two passes", "sap cached", "tap", "dpm-solver++"])
def test_resuming_from_a_state_gives_the_same_result(denoiser, name):
    chosen = networks.settings(**VARIANTS[name])
    noise, condition = networks.clip(GRID)
    steps, states = steps_of(chosen, denoiser.model.declaration), []

    def resume(state, keep=lambda step, x, before: None):
        return sample(tiled, state.x, steps[state.step :], after_step=keep, before=state.before)

    def tiled_from(state):
        return TiledDenoiser(denoiser, condition, chosen, lambda step: GRID, steps, InBatches(2), state.bank)

    first = SegmentState(noise * TOP)
    tiled = tiled_from(first)
    expected = resume(first, lambda step, x, before: states.append(SegmentState(x, step.index + 1, tiled.bank, before)))
    assert [state.step for state in states] == list(range(1, chosen.steps + 1))
    for state in states:
        saved = SegmentState.from_tensors(state.to_tensors(), state.step, GRID, chosen.sap_rate)
        tiled = tiled_from(saved)
        torch.testing.assert_close(resume(saved), expected, atol=0, rtol=0)


# -- propagation in steps ---------------------------------------------------------------------------------------


def watch(denoiser, chosen, grid=GRID, batch=1):
    """Per propagating layer its projections and per evaluation its input and output ``(branches·tiles, frames, tokens, 32)``."""
    modules = {}
    for module in denoiser.model.unet.modules():
        processor = getattr(module, "processor", None)
        if isinstance(processor, SpatialSelfAttention) and processor.layer is not None:
            modules[processor.layer] = module
    layers = [modules[number] for number in sorted(modules)]
    denoiser.network.lanes = None  # in lanes tiles would be recorded one by one, in any order
    with networks.Recorder(layers) as recorder:
        result = networks.sample(denoiser, chosen, grid, batch)
    calls = []
    for layer in layers:
        calls.append(
            [
                (seen.reshape(-1, grid.tile_frames, *seen.shape[1:]), out.reshape(-1, grid.tile_frames, *out.shape[1:]))
                for seen, out in zip(recorder.inputs[layer], recorder.outputs[layer], strict=True)
            ]
        )
    return [reference.Projections(layer) for layer in layers], calls, result


@pytest.mark.parametrize("tap", [False, True])
def test_cached_sap_injects_the_step_before(denoiser, tap):
    """A plain or TAP step collects, the SAP step injects what it saw; where windows overlap the later one's frames count."""
    chosen = networks.settings(steps=3, sap=True, tap=tap, sap_schedule="cached")
    projections, calls, _ = watch(denoiser, chosen, batch=99)
    batches = [list(GRID)] if not tap else [[GRID.tile(m, n) for m in range(2)] for n in range(2)]
    for layer, own in zip(calls, projections, strict=True):
        seen = {}
        for tiles, (inputs, _) in zip(batches, layer, strict=False):
            for tile, frames in zip(tiles, inputs, strict=True):
                for f, tokens in enumerate(frames):
                    seen[tile.m, tile.n, tile.frame + f] = tokens
        following = layer[len(batches) :][: len(GRID.windows)]
        for n, (inputs, outputs) in enumerate(following):
            for m, (frames, results) in enumerate(zip(inputs, outputs, strict=True)):
                for f, tokens in enumerate(frames):
                    frame = GRID.windows[n] + f
                    latest = max(other for other in range(2) if (m, other, frame) in seen)
                    tiles = [GRID.tile(place, latest) for place in range(2)]
                    stride = round((64 / len(tokens)) ** 0.5)
                    foreign = reference.subsampled(tiles, [seen[place, latest, frame] for place in range(2)], stride, 2)
                    np.testing.assert_allclose(results[f], reference.propagated(own, tokens, [foreign], 0.0), atol=2e-5)


def test_cached_sap_begins_with_two_passes_and_differs_from_lockstep_by_little(denoiser):
    begun = networks.sample(denoiser, networks.settings(sap=True, sap_schedule="cached"), GRID, 99)
    torch.testing.assert_close(begun, networks.sample(denoiser, networks.settings(sap=True), GRID, 99))
    results = {
        schedule: networks.sample(denoiser, networks.settings(steps=3, sap=True, sap_schedule=schedule), GRID, 99)
        for schedule in ("lockstep", "two-pass", "cached")
    }
    plain = networks.sample(denoiser, networks.settings(steps=3), GRID, 99)
    effect = float((results["lockstep"] - plain).norm())
    deviations = {name: float((result - results["lockstep"]).norm()) / effect for name, result in results.items()}
    assert effect > 0
    assert 0 < deviations["two-pass"] < 1
    assert 0 < deviations["cached"] < 1


def test_cached_sap_goes_with_a_moving_grid(denoiser):
    grids = [TileGrid.build(3, 8, 16, 8, 2, 0.125, (step, 0, 2 * step), 0.2, 2) for step in range(3)]
    noise, condition = networks.clip(grids[0])
    chosen = networks.settings(steps=3, sap=True, tap=True, sap_schedule="cached")
    steps = steps_of(chosen, denoiser.model.declaration)
    tiled = TiledDenoiser(denoiser, condition, chosen, grids.__getitem__, steps)
    assert sample(tiled, noise * TOP, steps).isfinite().all()


@pytest.mark.parametrize("direction, first", [("forward", 0), ("backward", 1)])
def test_tap_hands_on_within_the_step_in_its_direction(denoiser, direction, first):
    chosen = networks.settings(steps=1, tap=True, tap_direction=direction, tap_frames=1)
    projections, calls, _ = watch(denoiser, chosen, batch=99)
    for layer, own in zip(calls, projections, strict=True):
        (before, plain), (inputs, extended) = layer
        for m in range(2):
            chosen_frame = before[m][reference.frames_by_key_std(own, before[m], 1)[0]]
            for f in range(2):
                np.testing.assert_allclose(plain[m, f], reference.propagated(own, before[m, f], [], 0.0), atol=2e-5)
                np.testing.assert_allclose(
                    extended[m, f], reference.propagated(own, inputs[m, f], [chosen_frame], 0.0), atol=2e-5
                )
    x = TOP * networks.clip(GRID)[0] / math.sqrt(TOP**2 + 1)
    seen = []
    hook = denoiser.model.unet.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    networks.sample(denoiser, chosen, GRID, batch=99)
    hook.remove()
    torch.testing.assert_close(seen[0][0, :, :4], x[GRID.tile(0, first).slices[0], :, :, :8])


def test_chosen_frames_are_reported_by_window(denoiser):
    chosen, (noise, condition) = networks.settings(steps=1, tap=True, tap_frames=1), networks.clip(GRID)
    steps, reported = steps_of(chosen, denoiser.model.declaration), []
    tiled = TiledDenoiser(
        denoiser, condition, chosen, lambda step: GRID, steps, on_frames_chosen=lambda n, frames: reported.append((n, frames))
    )
    sample(tiled, noise * TOP, steps)
    assert [n for n, _ in reported] == [0, 1, 0, 1]  # for one spatial tile after the other
    assert all(len(frames) == 1 and GRID.windows[n] <= frames[0] < 2 + GRID.windows[n] for n, frames in reported)


# -- pinned frames ----------------------------------------------------------------------------------------------


def test_pinned_frames_keep_the_results_of_the_segments_beside(denoiser):
    chosen, (noise, condition) = networks.settings(steps=3), networks.clip(GRID)
    fixed = torch.randn(2, networks.CHANNELS, 8, 12)
    last = len(noise) - 1
    steps, seen = steps_of(chosen, denoiser.model.declaration), []
    tiled = TiledDenoiser(denoiser, condition, chosen, lambda step: GRID, steps)

    def denoise(x, step):
        seen.append((step.sigma, whole(x)[[0, last]]))
        return tiled(x, step)

    result = sample(denoise, noise * TOP, steps, PinnedFrames({0: fixed[0], last: fixed[1]}, noise))
    torch.testing.assert_close(result[[0, last]], fixed, atol=1e-5, rtol=1e-5)
    assert len(seen) == 3
    for sigma, x in seen:
        torch.testing.assert_close(x, fixed + sigma * noise[[0, last]])


def test_pinning_leaves_what_may_be_on_its_way_to_disk_as_it_is():
    """A state is saved on another thread while the next step begins."""
    noise, fixed = torch.randn(3, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    kept, steps = [], [Step(i, 3.0 - i, 2.0 - i, 0.0, StepKind.PLAIN) for i in range(3)]
    start = noise * 3.0
    sample(
        lambda x, step: 0.5 * whole(x),
        start,
        steps,
        PinnedFrames({0: fixed[0]}, noise),
        after_step=lambda step, x, before: kept.append((x, x.clone())),
    )
    assert torch.equal(start, noise * 3.0)
    assert len(kept) == 3 and all(torch.equal(tensor, then) for tensor, then in kept)


def test_euler_steps_follow_the_flow_of_a_gaussian_exactly_to_first_order():
    """For data of variance v the flow is known: x(σ) = x(σ_0) √((v + σ²) / (v + σ_0²))."""
    v, x = 2.0, torch.randn(1, 1, 4, 4)
    sigmas = torch.linspace(3, 0, 3001, dtype=torch.float64).tolist()
    steps = [Step(i, a, b, 0.0, StepKind.PLAIN) for i, (a, b) in enumerate(itertools.pairwise(sigmas))]
    result = sample(lambda x, step: x * v / (v + step.sigma**2), x.double(), steps)
    torch.testing.assert_close(result, x.double() * math.sqrt(v / (v + 9)), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_euler_steps_from_sigma_700_lose_nothing_to_rounding(steps):
    """The same loop in float64, with the textbook's ``x + d Δσ``, over the same estimates."""
    schedule = steps_of(networks.settings(steps=steps), networks.declaration())
    x = 700.0 * torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def denoise(x, sigma):
        return torch.tanh(x / (1 + sigma)) / 2

    expected = x.double()
    for step in schedule:
        derivative = (expected - denoise(expected, step.sigma)) / step.sigma
        expected = expected + derivative * (step.sigma_next - step.sigma)
    result = sample(lambda x, step: denoise(x.double(), step.sigma).float(), x, schedule)
    assert float((result - expected).abs().max()) <= 1e-6


def test_outside_of_its_interval_guidance_is_none(denoiser):
    none, guided = networks.settings(steps=2), networks.settings(steps=2, guidance="cfg")
    results = [
        networks.sample(denoiser, chosen, ONE)
        for chosen in (none, guided, guided.replace(guidance_high=0.001), guided.replace(guidance_high=1.0))
    ]
    assert torch.equal(results[2], results[0])
    assert not torch.equal(results[3], results[0]) and not torch.equal(results[3], results[1])
