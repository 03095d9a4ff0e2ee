"""Limits of control groups count as memory, in both versions of Linux's interface."""

import psutil
import pytest

from dcvsr_engine.host_memory import host_memory

MIB = 2**20


@pytest.fixture
def linux(tmp_path):
    """Writes the files of groups and of this process' membership; gives the arguments."""

    def write(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "cgroup", tmp_path / "membership"

    return write


def version_2(folder, limit, used, cached=0):
    return {
        f"{folder}memory.max": f"{limit}\n",
        f"{folder}memory.current": f"{used}\n",
        f"{folder}memory.stat": f"anon 1\ninactive_file {cached}\n",
    }


def test_without_groups_it_is_the_machine_s(tmp_path):
    available, total = host_memory(tmp_path, tmp_path / "missing")
    assert total == psutil.virtual_memory().total and 0 < available <= total


def test_a_limit_counts_and_what_the_system_takes_back_is_free(linux):
    groups = linux("0::/jobs/one\n", **version_2("jobs/one/", 300 * MIB, 200 * MIB, 50 * MIB))
    assert host_memory(*groups) == (150 * MIB, 300 * MIB)


def test_the_tightest_group_around_counts(linux):
    files = version_2("jobs/one/", "max", 10 * MIB) | version_2("jobs/", 400 * MIB, 390 * MIB) | version_2("", 500 * MIB, 0)
    assert host_memory(*linux("0::/jobs/one\n", **files)) == (10 * MIB, 400 * MIB)


def test_in_a_container_the_group_is_the_root(linux):
    assert host_memory(*linux("0::/\n", **version_2("", 256 * MIB, 300 * MIB))) == (0, 256 * MIB)


def test_version_1(linux):
    files = {
        "memory/docker/memory.limit_in_bytes": str(200 * MIB),
        "memory/docker/memory.usage_in_bytes": str(80 * MIB),
        "memory/docker/memory.stat": f"inactive_file 3\ntotal_inactive_file {30 * MIB}",
        "memory/memory.limit_in_bytes": str(2**63 - 4096),  # none
        "memory/memory.usage_in_bytes": "1",
        "memory/memory.stat": "",
    }
    assert host_memory(*linux("5:cpu,cpuacct:/docker\n4:memory:/docker\n0::/docker\n", **files)) == (150 * MIB, 200 * MIB)
