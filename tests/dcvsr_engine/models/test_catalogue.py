"""The catalogue: what is in it holds, and what is wrong with one is said."""

import json

import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import catalogue, entry_of, read_catalogue
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.resources import resource


def test_every_entry_says_what_a_person_should_know():
    kinds = {entry.kind for entry in catalogue()}
    assert kinds == {"built-in", "base", "unet", "own"}
    for entry in catalogue():
        assert entry.summary.endswith(".") and entry.licence
        if entry.can_be_downloaded:
            assert entry.size and entry.memory and entry.licence_summary and entry.licence_url.startswith("https://")
            assert not any(pattern.endswith((".bin", ".pt", "*")) for pattern in entry.files if "LICENSE" not in pattern)


def test_the_built_in_entry_is_the_model_that_is_there():
    folder = resource("models", "compact")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size == pytest.approx(entry_of("compact").size, rel=0.01)
    assert Declaration.from_folder(folder).license == entry_of("compact").licence


def test_a_unet_declares_its_base_and_what_is_only_assumed():
    declared = entry_of("dc-vsr").declared()
    assert entry_of(declared.base).kind == "base"
    assert set(declared.assumed) <= vars(declared).keys()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": "much"}, r"models\[0\]\.size must be a whole number, not 'much'"),
        ({"colour": "red"}, r"There is no field “models\[0\]\.colour”"),
        ({"kind": "stolen"}, r"models\[0\]\.kind must be one of built-in, base, unet, own, not 'stolen'"),
        ({"repository": "someone/model"}, "compact needs both repository and files"),
        ({"base": "nothing", "declaration": {"first_stage": "vae"}}, "a U-Net, and nothing else"),
        (
            {"kind": "unet", "base": "x", "declaration": {"first_stage": "fog", "factor": 8, "multiple": 8}},
            "first_stage must be one of vae, haar",
        ),
        (
            {"kind": "unet", "base": "x", "declaration": {"first_stage": "vae", "factor": 8, "multiple": 8}},
            "a base that is not in it",
        ),
    ],
)
def test_a_wrong_catalogue_is_refused_with_the_reason(tmp_path, change, reason):
    content = json.loads(resource("models", "catalogue.json").read_text())
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(content | {"models": [content["models"][0] | change]}))
    with pytest.raises(ModelError, match=reason):
        read_catalogue(path)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "models": []}', '{"version": 1}'])
def test_no_catalogue_at_all(tmp_path, text):
    path = tmp_path / "catalogue.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="is not understood"):
        read_catalogue(path)


def test_an_unknown_entry_gets_the_known_ones():
    with pytest.raises(ModelError, match=r"compact, .*dc-vsr"):
        entry_of("nothing")
