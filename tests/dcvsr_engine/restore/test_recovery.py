"""The recovery ladder: less memory rung by rung, and fp32 where half precision gives nothing usable."""

import networks
import pytest
import torch

from dcvsr_engine.diffusion.sampler import InBatches, TileGroup
from dcvsr_engine.diffusion.turns import pause_turn
from dcvsr_engine.errors import JobError
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.oom import MemoryExhausted
from dcvsr_engine.planning.memory import HEAP_BYTES
from dcvsr_engine.restore.recovery import TRIM_TILES, RecoveringBatches, Recovery, is_finite, retry_in_fp32, with_less_memory
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(2, 8, 24, 8, 2, 0.0)
TILES = list(GRID)


def planned(**changes):
    values = {"tile": 64, "sap_schedule": "lockstep", "tile_batch": 4, "device": "cpu", "precision": "fp32"}
    return PlannedSettings(**(networks.settings().to_dict() | values | changes))


def recovery(warnings, model=None, **changes):
    return Recovery(model or networks.model(), planned(**changes), 14, warnings.append)


# -- memory -----------------------------------------------------------------------------------------------------


def test_the_result_changes_from_the_least_to_the_most_visible():
    settings, rungs = planned(), []
    with pytest.raises(JobError, match="even with the smallest tiles"):
        while True:
            settings, sentence = with_less_memory(settings, StepKind.SAP, 4)
            rungs.append((settings.sap_schedule, settings.tile, "changes the result" in sentence))
    assert rungs == [("staged", 64, False), ("two-pass", 64, True), *(("two-pass", tile, True) for tile in (48, 36, 24, 16))]
    assert with_less_memory(planned(), StepKind.TAP_FORWARD, 4)[0].tile == 48


@pytest.mark.parametrize(
    "changes, first",
    [
        ({"guidance": "dssag"}, "one after the other"),
        ({"guidance": "sag"}, "wait for each other"),
        ({"guidance": "none"}, "wait for each other"),
        ({"guidance": "cfg", "guidance_scale": 1.0}, "wait for each other"),
    ],
)
def test_branches_are_evaluated_one_by_one_before_anything_that_shows(changes, first):
    warnings = []
    ladder = recovery(warnings, **changes)
    ladder.reduce_memory(StepKind.SAP)
    ladder.reduce_memory(StepKind.SAP)
    assert first in warnings[0] and len(warnings) == 2
    assert ladder.branches_in_one_batch == (first == "wait for each other")
    assert ladder.settings.sap_schedule == ("staged" if first == "one after the other" else "two-pass")


def test_the_ladder_is_descended_until_it_works():
    warnings, tried = [], []
    ladder = recovery(warnings, guidance="dssag")

    def sample():
        tried.append((ladder.branches_in_one_batch, ladder.settings.sap_schedule, ladder.settings.tile))
        if ladder.settings.tile > 36:
            raise MemoryExhausted
        return "done"

    assert ladder.descend(sample, lambda: StepKind.SAP) == "done"
    assert tried == [
        (True, "lockstep", 64),
        (False, "lockstep", 64),
        (False, "staged", 64),
        (False, "two-pass", 64),
        (False, "two-pass", 48),
        (False, "two-pass", 36),
    ]
    assert len(warnings) == 5


def test_other_errors_end_the_descent():
    with pytest.raises(JobError):
        recovery([]).descend(lambda: (_ for _ in ()).throw(JobError("no")), lambda: StepKind.PLAIN)


def limited(most, seen):
    """An estimate that runs out of memory with more than ``most`` tiles."""

    def estimate(tiles):
        seen.append(len(tiles))
        if len(tiles) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.tensor([float(tile.left) for tile in tiles])

    return estimate


def test_batches_become_smaller_and_stay_so():
    warnings, seen = [], []
    model = networks.model()
    ladder = recovery(warnings, model, tile_batch=3)
    batches = RecoveringBatches(ladder, model, warnings.append, str)
    for _ in range(2):
        done = list(batches.run(limited(2, seen), TileGroup(TILES)))
        assert [tile for tiles, _ in done for tile in tiles] == TILES
        assert torch.cat([estimates for _, estimates in done]).tolist() == [0.0, 8.0, 16.0]
    assert seen == [3, 2, 1, 2, 1] and batches.size == ladder.settings.tile_batch == 2
    assert warnings == ["Memory ran out: tiles are denoised 2 at a time from here on."]


def test_tiles_that_belong_together_are_not_divided():
    seen, model = [], networks.model()
    batches = RecoveringBatches(recovery([], model, tile_batch=1), model, print, str)
    assert [len(tiles) for tiles, _ in batches.run(limited(3, seen), TileGroup(TILES, together=True))] == [3]
    with pytest.raises(MemoryExhausted):
        list(batches.run(limited(2, seen), TileGroup(TILES, together=True)))
    assert seen == [3, 3, 3] and batches.size == 1


def test_with_memory_enough_it_is_a_plain_batching():
    seen, model = [], networks.model()
    batches = RecoveringBatches(recovery([], model, tile_batch=2), model, print, str)
    group = TileGroup(TILES)
    ours, plain = (list(kind.run(limited(9, seen), group)) for kind in (batches, InBatches(2)))
    assert [tiles for tiles, _ in ours] == [tiles for tiles, _ in plain] and seen == [2, 1, 2, 1]


@pytest.mark.parametrize(("grown", "trims"), [(HEAP_BYTES, 0), (HEAP_BYTES + 1, 2)])
def test_freed_memory_is_given_back_where_the_process_has_grown(grown, trims, monkeypatch):
    trimmed, resident = [], []
    monkeypatch.setattr("dcvsr_engine.restore.recovery.trim_heap", lambda: trimmed.append(resident.clear()))
    monkeypatch.setattr("dcvsr_engine.restore.recovery.resident_bytes", lambda: 10**9 + sum(resident))
    batches = RecoveringBatches(recovery([], model := networks.model(), tile_batch=1), model, print, str)
    for _ in range(2 * TRIM_TILES):
        resident[:] = [grown]
        batches.trim(1)
    assert len(trimmed) == trims


# -- half precision ---------------------------------------------------------------------------------------------


def test_only_the_tiles_that_half_precision_spoils_are_redone():
    warnings, seen, model = [], [], half()

    def estimate(tiles):
        seen.append((model.precision, [tile.m for tile in tiles]))
        return torch.tensor([float("nan") if tile.m == 1 and model.precision == "fp16" else float(tile.m) for tile in tiles])

    batches = RecoveringBatches(recovery([], model, tile_batch=3), model, warnings.append, lambda tiles: f"Tile {tiles[0].m}")
    ((_, estimates),) = batches.run(estimate, TileGroup(TILES))
    assert estimates.tolist() == [0.0, 1.0, 2.0] and seen == [("fp16", [0, 1, 2]), ("fp32", [1])]
    assert warnings == ["Tile 1 went out of the range of fp16 and was computed again in fp32."]


def half(dtype: torch.dtype = torch.float16):
    """A model in half precision, but for a part of its autoencoder that stays in fp32."""
    model = networks.model()
    model.precision = "fp16" if dtype == torch.float16 else "bf16"
    model.unet.to(dtype)
    model.first_stage.vae.to(dtype)
    model.first_stage.vae.quant_conv.float()
    return model


def weights_of(model):
    return {name: value.clone() for part in model.networks for name, value in part.state_dict().items()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_fp32_is_left_again_with_the_same_weights(dtype):
    model = half(dtype)
    before = weights_of(model)
    with model.full_precision():
        assert model.precision == "fp32" and {weight.dtype for weight in weights_of(model).values()} == {torch.float32}
    after = weights_of(model)
    assert model.precision == ("fp16" if dtype == torch.float16 else "bf16")
    assert all(after[name].dtype == value.dtype and torch.equal(after[name], value) for name, value in before.items())


def test_usable_numbers_are_computed_once():
    calls = []
    assert retry_in_fp32(half(), lambda: calls.append(1) or torch.ones(2), "here").tolist() == [1, 1]
    assert len(calls) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_half_precision_spoils_is_computed_in_fp32(bad):
    model, said = half(), []

    def work():
        return torch.tensor([1.0, 1.0 if model.unet.dtype == torch.float32 else bad])

    assert retry_in_fp32(model, work, "Tile 3", warn=said.append).tolist() == [1, 1]
    assert said == ["Tile 3 went out of the range of fp16 and was computed again in fp32."]
    assert model.unet.dtype == torch.float16


def test_what_stays_bad_ends_with_its_place():
    model = half()
    with pytest.raises(JobError, match=r"^Frame 7 came out damaged"):
        retry_in_fp32(model, lambda: torch.tensor(float("nan")), "Frame 7")
    assert model.unet.dtype == torch.float16


def test_another_check_can_be_asked_for():
    with pytest.raises(JobError):
        retry_in_fp32(
            networks.model(), lambda: torch.zeros(2), "Frame 7", lambda values: is_finite(values) and bool(values.any())
        )


# -- staged lockstep --------------------------------------------------------------------------------------------


def test_batches_in_turns_begin_anew_with_fewer_tiles_when_memory_runs_out():
    warnings, calls = [], []
    ladder = recovery(warnings, sap_schedule="staged", tile_batch=2)

    def estimate(tiles):
        calls.append(len(tiles))
        pause_turn()
        if len(tiles) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.full((1, 1), float(tiles[0].m))

    batches = RecoveringBatches(ladder, networks.model(), warnings.append, str)
    results = list(batches.run(estimate, TileGroup(TILES, in_turns=True)))
    assert [float(estimates) for _, estimates in results] == [float(tile.m) for tile in TILES]
    assert ladder.settings.tile_batch == 1 and len(warnings) == 1 and calls[-len(TILES) :] == [1] * len(TILES)


def test_a_tile_that_is_not_finite_is_repaired_after_all_turns():
    model, warnings, formats = networks.model(), [], []
    model.precision = "fp16"

    def estimate(tiles):
        formats.append(model.precision)
        pause_turn()
        bad = model.precision == "fp16" and tiles[0].m == 1
        return torch.full((1, 1), float("nan") if bad else 1.0)

    batches = RecoveringBatches(recovery(warnings, tile_batch=1), model, warnings.append, lambda tiles: "Tile")
    results = list(batches.run(estimate, TileGroup(TILES, in_turns=True)))
    assert all(float(estimates) == 1 for _, estimates in results)
    assert formats == ["fp16"] * len(TILES) + ["fp32"] and "in fp32" in warnings[0]
