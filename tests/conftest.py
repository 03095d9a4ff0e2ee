"""Surroundings that are the same for every test, whoever runs them: no screen, no proxy, a home of nobody."""

import os
import re
from collections.abc import Iterator

import pytest

STEERING = re.compile(
    r"QT_\w*(SCALE|SCREEN|DPI|STYLE)|(https?|all)_proxy$|HF_|DCVSR_|(NO|FORCE)_COLOR$|(COLUMNS|LINES|LANGUAGE)$", re.IGNORECASE
)
"""Variables that would decide what is tested: how large the window is drawn, how wide a help text, where a hub is sought."""

for variable in filter(STEERING.match, list(os.environ)):
    del os.environ[variable]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what fixtures of a session leave, and what the window finds, out of the data of the person who runs the tests."""
    folder = tmp_path_factory.mktemp("nobody")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
        yield
