"""Where things are kept, usually and in portable mode."""

from pathlib import Path

import pytest

from dcvsr_engine import paths as places
from dcvsr_engine.paths import jobs_folder, models_folder


def test_the_usual_places_and_the_portable_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(places, "program_folder", lambda: tmp_path)
    assert models_folder() == tmp_path / "data" / "dcvsr-studio" / "models"
    (tmp_path / "portable").touch()
    here = tmp_path / "dcvsr-studio-data"
    assert (models_folder(), jobs_folder()) == (here / "models", here / "jobs")
    assert (places.config_folder(), places.log_folder()) == (here, here / "logs")


@pytest.mark.parametrize(
    ("program", "beside"), [("/opt/x/dcvsr", "/opt/x"), ("/Applications/X.app/Contents/MacOS/dcvsr", "/Applications")]
)
def test_the_folder_of_a_frozen_program(monkeypatch, program, beside):
    monkeypatch.setattr(places.sys, "frozen", True, raising=False)
    monkeypatch.setattr(places.sys, "executable", program)
    assert places.program_folder() == Path(beside)


def test_the_folder_of_the_source_tree():
    assert (places.program_folder() / "pyproject.toml").is_file()
