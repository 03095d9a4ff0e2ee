"""Transfers: what was cut is put together again, and what is missing or damaged is named."""

import json
import random

import pytest

from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.research.offline import transfers as module
from dcvsr_engine.research.offline.transfers import extract, find_transfers, missing_transfers, read_transfers, write_transfers


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART_BYTES", 15_000)


@pytest.fixture
def content(tmp_path):
    """Two files of 70 kB together and their paths inside the archive."""
    generator = random.Random(0)
    files = {"a/large": 50_000, "small": 20_000}
    for number, (_, size) in enumerate(files.items()):
        (tmp_path / f"source{number}").write_bytes(generator.randbytes(size))
    return {name: tmp_path / f"source{number}" for number, name in enumerate(files)}


def written(tmp_path, content, transfer_bytes=30_000):
    write_transfers({"first": content, "second": {"small": content["small"]}}, tmp_path / "out", transfer_bytes)
    return find_transfers([tmp_path / "out"])


def test_transfers_keep_their_limits_and_hold_what_was_cut(tmp_path, content):
    transfers = written(tmp_path, content)
    parts = read_transfers(transfers)
    assert max(part.size for part in parts) <= 15_000 and len(transfers) == parts[-1].transfer >= 3
    for number, transfer in enumerate(transfers, 1):
        mine = sorted(path.name for path in transfer.iterdir() if path.name != "manifest.json")
        assert mine == [part.name for part in parts if part.transfer == number]
        assert sum((transfer / name).stat().st_size for name in mine) <= 30_000
    extract([part for part in parts if part.archive == "first"], transfers, tmp_path / "again")
    for name, path in content.items():
        assert (tmp_path / "again" / name).read_bytes() == path.read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["a", "small"]


def test_an_earlier_package_is_replaced_as_a_whole(tmp_path, content):
    before = len(written(tmp_path, content, 15_000))
    assert len(written(tmp_path, content, 60_000)) < before
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_what_is_missing_is_named(tmp_path, content):
    transfers = [path for path in written(tmp_path, content) if path.name != "2"]
    parts = read_transfers(transfers)
    assert missing_transfers(parts, transfers) == [2]
    with pytest.raises(JobError, match=r"Transfer 2 is missing \(first-002\)"):
        extract([part for part in parts if part.archive == "first"], transfers, tmp_path / "again")
    with pytest.raises(InputError, match="holds no transfer"):
        find_transfers([tmp_path / "again"])


def test_damage_is_found(tmp_path, content):
    transfers = written(tmp_path, content)
    damaged = transfers[0] / "first-001"
    damaged.write_bytes(bytes(reversed(damaged.read_bytes())))
    with pytest.raises(JobError, match="first-001” is damaged"):
        extract(read_transfers(transfers), transfers, tmp_path / "again")
    (transfers[1] / "manifest.json").write_text("[")
    with pytest.raises(InputError, match=r"manifest.json” is damaged"):
        read_transfers(transfers)


def test_transfers_of_different_packages_are_not_mixed(tmp_path, content):
    transfers = written(tmp_path, content)
    manifest = transfers[2] / "manifest.json"
    values = json.loads(manifest.read_text())
    values["parts"][0]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(values))
    with pytest.raises(InputError, match="do not belong together"):
        read_transfers(transfers)


def test_nothing_is_extracted_outside_the_target(tmp_path, content):
    write_transfers({"only": {"../escaped": content["small"]}}, tmp_path / "out", 30_000)
    transfers = find_transfers([tmp_path / "out"])
    with pytest.raises(Exception, match="outside"):
        extract(read_transfers(transfers), transfers, tmp_path / "again/inner")
    assert not (tmp_path / "again/escaped").exists()
