"""Memory of this machine, or of the control group (container, service, batch job) that confines this process. Torch-free."""

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
CGROUP_FILES = {
    "memory.max": ("memory.current", "inactive_file"),
    "memory.limit_in_bytes": ("memory.usage_in_bytes", "total_inactive_file"),
}
"""Of a group's limit, for version 2 and 1 of Linux's interface: the file of its use, and the entry of ``memory.stat`` with the
part of that which the system takes back when memory is needed."""


def host_memory(groups: Path = GROUPS, membership: Path = MEMBERSHIP) -> tuple[int, int]:
    """Bytes of memory that are available to this process, and bytes in all.

    Args:
        groups: where Linux shows control groups.
        membership: the file that names this process' groups.
    """
    facts = psutil.virtual_memory()
    limits = [limit for folder in group_folders(groups, membership) for limit in limits_of(folder)]
    # the tightest group decides, and that may be one further out
    available = min([int(facts.available), *(limit - used for limit, used in limits)])
    return max(0, available), min([int(facts.total), *(limit for limit, _ in limits)])


def group_folders(groups: Path, membership: Path) -> Iterator[Path]:
    """Folders of the groups that this process is in, and of those around them; none on other systems than Linux."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root = groups / controllers
            folder = root / path.lstrip("/")
            yield from (folder, *(parent for parent in folder.parents if parent.is_relative_to(root)))


def limits_of(folder: Path) -> Iterator[tuple[int, int]]:
    """A group's limit and how much of it is used for good, in bytes; nothing where there is no limit."""
    for name, (use, reclaimable) in CGROUP_FILES.items():
        try:
            limit, used = int((folder / name).read_text()), int((folder / use).read_text())
            lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
            cached = sum(int(value) for key, value in lines if key == reclaimable)
        except (OSError, ValueError):  # no such file, or “max”
            continue
        yield limit, max(0, used - cached)
