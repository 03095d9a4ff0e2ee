import json

import pytest
from fake_engine import MODEL

from app.settings.presets import BUILT_IN, Presets
from dcvsr_engine.errors import SettingsError
from dcvsr_engine.settings import RestoreSettings


@pytest.fixture
def presets(tmp_path) -> Presets:
    return Presets(tmp_path / "presets")


@pytest.mark.parametrize("name", [preset.name for preset in BUILT_IN])
def test_a_built_in_preset_is_recognised_once_applied(presets, name):
    settings = presets.apply(name, RestoreSettings(gamma_peak=3.0, steps=99), MODEL)
    assert presets.match(settings, MODEL) == name


def test_balanced_is_what_the_engine_does_by_itself(presets):
    assert presets.apply("Balanced", RestoreSettings(steps=99), MODEL) == RestoreSettings()


def test_a_preset_leaves_model_machine_and_seed_alone(presets):
    kept = {"model": "other", "device": "cpu", "precision": "fp32", "tile_batch": 2, "compile": "all", "seed": 7}
    applied = presets.apply("Paper", RestoreSettings(**kept), MODEL)
    assert {name: getattr(applied, name) for name in kept} == kept


def test_paper_has_no_longer_windows_than_the_network_knows(presets):
    windows = [presets.apply("Paper", RestoreSettings(), MODEL.replace(window=frames)).window for frames in (7, 14, 25)]
    assert windows == [7, 14, 14]


def test_presets_that_mean_propagation_turn_it_on_in_a_model_without(presets):
    model = MODEL.replace(sap=False, tap=False)
    for name in ("Paper", "Paper, quicker"):
        applied = presets.apply(name, RestoreSettings(), model)
        assert (applied.sap, applied.tap) == (True, True)
    assert presets.apply("Heavy degradation", RestoreSettings(), model).tap is True
    assert presets.match(RestoreSettings(), model) == "Balanced"


def test_presets_that_would_do_nothing_for_a_model_are_not_offered(presets):
    assert presets.names(MODEL) == [preset.name for preset in BUILT_IN]
    quick = MODEL.replace(steps=1, guidance="none", guidance_scale=1.0, tiling="fast")
    assert presets.names(quick) == ["Balanced", "Paper", "Paper, quicker"]
    assert "Fast" in presets.names(quick.replace(tiling="paper"))


def test_fast_halves_the_models_steps(presets):
    assert presets.apply("Fast", RestoreSettings(), MODEL).steps == MODEL.steps // 2


def test_own_presets_are_files_and_outlive_the_program(presets, tmp_path):
    presets.save("Old VHS tapes", RestoreSettings(gamma_rho=0.3, seed=5))
    again = Presets(tmp_path / "presets")
    assert again.own == ["Old VHS tapes"]
    applied = again.apply("Old VHS tapes", RestoreSettings(), MODEL)
    assert (applied.gamma_rho, applied.seed) == (0.3, 42)
    assert [path.name for path in (tmp_path / "presets").iterdir()] == ["old-vhs-tapes.json"]


def test_saving_again_replaces_and_removing_removes(presets):
    presets.save("Mine", RestoreSettings(steps=3))
    presets.save("mine", RestoreSettings(steps=4))
    presets.save("Mine", RestoreSettings(steps=5))
    assert presets.own == ["mine", "Mine"] or presets.own == ["Mine", "mine"]
    assert presets.apply("Mine", RestoreSettings(), MODEL).steps == 5
    presets.remove("Mine")
    assert presets.own == ["mine"]


@pytest.mark.parametrize("name", ["", "  ", "Fast"])
def test_names_must_be_ones_own(presets, name):
    with pytest.raises(SettingsError):
        presets.save(name, RestoreSettings())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        json.dumps({"name": "x"}),
        json.dumps({"name": "x", "settings": {"steps": 0}}),
        json.dumps({"name": "x", "settings": 3}),
    ],
)
def test_damaged_files_are_told_and_skipped(tmp_path, content):
    (tmp_path / "bad.json").write_text(content)
    presets = Presets(tmp_path)
    assert presets.own == []
    assert len(presets.problems) == 1
