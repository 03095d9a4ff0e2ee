"""The locks of bundles go with the dependencies."""

import re

import lock
import pytest

LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.+]+) --hash=sha256:[0-9a-f]{64}")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(system):
    """Version per package; every line has a hash."""
    lines = (lock.LOCKS / f"{system}.txt").read_text(encoding="utf-8").splitlines()
    found = [LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found), "a line without a hash"
    return {canonical(match["name"]): match["version"] for match in found}


@pytest.mark.parametrize("system", ["linux", *lock.OTHERS])
def test_every_pinned_dependency_is_locked_at_its_version(system):
    packages = locked(system)
    for line in lock.requirements():
        name, version = line.split("==")
        if system == "linux" or name not in lock.LINUX_ONLY:
            assert packages[canonical(name)].partition("+")[0] == version, f"run packaging/lock.py: {line}"


def test_what_dependencies_need_is_locked_too():
    contents = pytest.importorskip("contents", reason="needs the extra “bundle”", exc_type=ImportError)
    assert contents.requirements() <= locked("linux").keys()
    for system in lock.OTHERS:
        assert contents.requirements() - lock.LINUX_ONLY <= locked(system).keys()


def test_torch_of_linux_has_no_cuda():
    assert locked("linux")["torch"].endswith("+cpu")
    assert not [name for system in ("linux", *lock.OTHERS) for name in locked(system) if name.startswith("nvidia-")]


def test_actions_of_workflows_are_pinned_by_commit():
    texts = [path.read_text(encoding="utf-8") for path in (lock.ROOT / ".github" / "workflows").glob("*.yml")]
    used = [line for text in texts for line in text.splitlines() if "uses:" in line]
    assert used and all(re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v[\d.]+$", line) for line in used)
