"""The files of a job: what is saved comes back, what is damaged is noticed, what is not needed any more goes."""

from pathlib import Path

import jobs
import numpy as np
import pytest
import torch

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.propagation import SpatialBank
from dcvsr_engine.diffusion.sampler import SegmentState
from dcvsr_engine.jobs.manifest import MANIFEST, read_manifest
from dcvsr_engine.jobs.overlap import Overlap
from dcvsr_engine.jobs.report import SegmentFacts
from dcvsr_engine.jobs.store import JobStore, at_work
from dcvsr_engine.jobs.telemetry import Telemetry, WorkRecord
from dcvsr_engine.tiling.grid import TileGrid

GRID = TileGrid.build(4, 12, 16, tile=8, overlap=0.5)


@pytest.fixture
def store(tmp_path) -> JobStore:
    return JobStore.begin(tmp_path, jobs.manifest(tmp_path))


def facts(frames: int = 6) -> SegmentFacts:
    return SegmentFacts.of(WorkRecord(), frames=frames)


def tensor(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def finish(store: JobStore, index: int) -> Path:
    """Finish a unit as a sink does."""
    store.save_overlap(index, Overlap(tensor(3, 2, 4, 4), (6, 7, 8)))
    store.unit_file(index).write_bytes(bytes(100 + index))
    store.save_facts(index, facts())
    store.finish(index, store.unit_file(index), 6)
    return store.unit_file(index)


def open_units(store: JobStore) -> list[int]:
    """What is left to do once damage is found."""
    store.reopen_damaged()
    return [unit.id for unit in store.manifest.units if unit.state == "open"]


def flip(path: Path) -> None:
    """Damage a file in its middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def test_a_finished_unit_is_in_the_manifest_on_disk(store):
    path = finish(store, 0)
    [unit] = read_manifest(store.folder).finished
    assert (unit.id, unit.first, unit.last, unit.file) == (0, 3, 8, path.name) and len(unit.sha256) == 64
    assert store.files() == [path] and store.facts() == [facts()] and open_units(store) == [1]


def test_a_unit_without_frames_has_nothing_to_publish(store):
    finish(store, 0)
    store.unit_file(1).touch()
    store.save_facts(1, facts(0))
    store.finish(1, store.unit_file(1), 0)
    assert store.files() == [store.unit_file(0)] and not open_units(store)


@pytest.mark.parametrize("damage", [flip, Path.unlink])
@pytest.mark.parametrize("name", ["unit-00000.video", "facts-00000.json"])
def test_a_damaged_unit_is_done_again(damage, name, store):
    finish(store, 0)
    damage(store.folder / name)
    again = JobStore(store.folder, read_manifest(store.folder))
    assert open_units(again) == [0, 1] and not again.unit_file(0).exists()
    assert not read_manifest(store.folder).finished


def test_a_unit_is_done_again_for_what_the_next_one_needs_of_it(store):
    finish(store, 0)
    [path] = store.folder.glob("overlap-00000*")
    flip(path)
    assert open_units(store) == [0, 1]
    finish(store, 0)
    finish(store, 1)
    assert not list(store.folder.glob("overlap-00000*"))
    assert not open_units(store)  # it is not missed any more


def test_of_states_the_last_two_are_kept_and_the_newest_sound_one_serves(store):
    states = [SegmentState(tensor(4, 2, 12, 16) + step, step) for step in range(1, 5)]
    for state in states:
        store.save_state(0, state)
    assert len(store.states(0)) == 2 and not store.states(1)
    newest = store.load_state(0, GRID, 2)
    assert newest.step == 4 and newest.bank is None and torch.equal(newest.x, states[3].x)
    flip(store.states(0)[0])
    older = store.load_state(0, GRID, 2)
    assert older.step == 3 and torch.equal(older.x, states[2].x) and len(store.states(0)) == 1
    flip(store.states(0)[0])
    assert store.load_state(0, GRID, 2) is None and not store.states(0)


def test_keys_and_values_come_back_with_a_state(store):
    bank = SpatialBank(GRID, 2)
    for layer in (0, 3):
        for branch in (Branch(), Branch(conditional=False), Branch(identity=True), Branch(degraded=True)):
            bank.layers[layer, branch] = tensor(1, 2, 3) + layer, tensor(1, 2, 3) - layer
    store.save_state(1, SegmentState(tensor(4, 2, 12, 16), 1, bank))
    found = store.load_state(1, GRID, 2).bank
    assert (found.grid, found.rate) == (GRID, 2) and found.layers.keys() == bank.layers.keys()
    assert all(torch.equal(a, b) for key, pair in bank.layers.items() for a, b in zip(pair, found.layers[key], strict=True))


def test_states_go_when_their_unit_is_finished(store):
    store.save_state(0, SegmentState(tensor(4, 2, 12, 16), 1))
    store.save_state(1, SegmentState(tensor(4, 2, 12, 16), 1))
    finish(store, 0)
    assert not store.states(0) and store.states(1)


@pytest.mark.parametrize("error", [None, np.arange(12, dtype=np.float32).reshape(3, 4)])
def test_an_overlap_comes_back(error, store):
    store.save_overlap(0, Overlap(tensor(3, 2, 4, 4)[:, :, ::2], (6, 7, 8), None, error))
    found = store.load_overlap(0)
    assert torch.equal(found.latents, tensor(3, 2, 4, 4)[:, :, ::2]) and found.indices == (6, 7, 8)
    assert found.last_error is None if error is None else np.array_equal(found.last_error, error)
    assert found.first_error is None
    assert store.load_overlap(1) is None


def test_a_folder_is_tidied_when_it_is_taken_and_foreign_files_stay(tmp_path):
    store = JobStore.begin(tmp_path, jobs.manifest(tmp_path))
    finish(store, 0)
    half = tmp_path / ".unit-00001.video.partial-01234567.video"
    for path in (half, tmp_path / "thesis.txt"):
        path.write_text("text")
    with at_work(tmp_path, Telemetry(Control())):
        assert not half.exists() and (tmp_path / "thesis.txt").exists() and store.unit_file(0).exists()
        store.end({})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_a_manifest_everything_that_a_job_left_goes(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "unit-00000.video").write_text("left")
    with at_work(folder, Telemetry(Control())) as presence:
        assert sorted(path.name for path in folder.iterdir()) == ["lock", presence.file]
    assert not folder.exists()


def test_a_failed_update_changes_nothing(store, monkeypatch):
    before = store.manifest

    def fail(folder, manifest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dcvsr_engine.jobs.store.write_manifest", fail)
    with pytest.raises(Exception, match="no room left"):
        store.update(published="ab")
    assert store.manifest == before == read_manifest(store.folder) and (store.folder / MANIFEST).exists()
