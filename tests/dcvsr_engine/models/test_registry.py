"""Which models there are, and which one a name stands for."""

import shutil

import networks
import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models import registry


@pytest.fixture
def roots(tmp_path, monkeypatch, tiny_model):
    """Two models: one built in, one added."""
    for root in ("built-in", "added"):
        (tmp_path / root / root).mkdir(parents=True)
        shutil.copy(tiny_model / "dcvsr.json", tmp_path / root / root)
    monkeypatch.setattr(registry, "resource", lambda *parts: tmp_path / "built-in")
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "added")
    return tmp_path


def test_models_are_found_by_name_or_folder(roots):
    assert list(registry.installed_folders().items()) == [
        ("built-in", roots / "built-in/built-in"),
        ("added", roots / "added/added"),
    ]
    assert registry.model_folder("added") == registry.model_folder(str(roots / "added/added")) == roots / "added/added"


def test_a_built_in_model_is_not_hidden_by_one_that_was_added(roots):
    shutil.copytree(roots / "built-in/built-in", roots / "added/built-in")
    assert registry.model_folder("built-in") == roots / "built-in/built-in"


def test_an_unknown_name_gets_the_known_ones(roots):
    with pytest.raises(
        ModelError, match=r"There is no model “third”: name one of .*built-in.* or a folder that holds dcvsr\.json"
    ):
        registry.model_folder("third")


def test_a_base_may_be_a_path_only_where_the_user_put_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "added")
    (tmp_path / "base").mkdir()
    declaration = networks.declaration(base=str(tmp_path / "base"))
    assert registry.base_folder(tmp_path / "mine" / "run", declaration) == tmp_path / "base"
    with pytest.raises(ModelError, match="which is not the name of a model"):
        registry.base_folder(tmp_path / "added" / "run", declaration)
    for base in ("//host/share", "\\\\host\\share"):
        with pytest.raises(ModelError, match="which is not the name of a model"):
            registry.base_folder(tmp_path / "mine" / "run", networks.declaration(base=base))
