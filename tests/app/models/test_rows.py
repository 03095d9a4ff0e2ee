"""The models window's rows."""

import json

import pytest

from app.models.rows import model_rows
from dcvsr_engine.models import registry, store
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.paths import models_folder
from dcvsr_engine.resources import resource
from dcvsr_engine.storage import write_json


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def states(*folders):
    return {row.name: row.state for row in model_rows(folders)}


def test_what_is_there_comes_before_what_is_to_be_had():
    assert states() == {
        "compact": "built in",
        "stable-video-diffusion-img2vid": "available",
        "dc-vsr": "available",
        "own": "hint",
    }
    row = model_rows()[0]
    assert row.can_restore and row.is_default and not row.can_be_fetched and not row.can_be_removed


def test_installed_in_place_damaged_and_unfinished(tmp_path):
    second = import_model(resource("models", "compact"), "second")
    other = tmp_path / "elsewhere"
    second.folder.rename(other)
    import_model(other, "third")
    (models_folder() / "third" / "dcvsr.json").write_text("{")
    write_json(store.partial_folder("dc-vsr") / store.LISTING, {"files": [{"name": "a", "size": 100}]})
    (store.partial_folder("dc-vsr") / "a").write_bytes(bytes(25))
    found = states(other)
    assert found[str(other)] == "in place"
    assert (found["third"], found["dc-vsr"]) == ("unusable", "unfinished")
    row = next(row for row in model_rows() if row.name == "dc-vsr")
    assert row.share == 0.25 and row.can_be_fetched and row.can_be_removed
    registry.set_default(str(other))
    assert [row.name for row in model_rows([other]) if row.is_default] == [str(other)]
    assert json.loads((models_folder() / registry.DEFAULT_FILE).read_text()) == {"model": str(other)}
