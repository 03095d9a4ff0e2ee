"""Methods: bicubic, and models through the real restoration."""

import pytest

from dcvsr_engine.control import Control
from dcvsr_engine.errors import ModelError, SettingsError
from dcvsr_engine.evaluation.ablation import VARIANTS, ablation
from dcvsr_engine.evaluation.clips import write_h264
from dcvsr_engine.evaluation.methods import Bicubic, enlarged, restoration
from dcvsr_engine.evaluation.pictures import read
from dcvsr_engine.settings import RestoreSettings


@pytest.fixture
def low(moving, tmp_path):
    write_h264(moving[:2, :16, :24], tmp_path / "low.mp4")
    return tmp_path / "low.mp4"


def test_bicubic_enlarges_four_times(low, tmp_path):
    Bicubic().restore(low, tmp_path / "result", Control())
    assert (read(tmp_path / "result") == enlarged(low)).all() and enlarged(low).shape == (2, 64, 96, 3)


def test_a_model_runs_through_the_real_pipeline(low, tmp_path):
    method = restoration("compact:steps=1,guidance=none,precision=fp32", RestoreSettings(device="cpu"))
    method.restore(low, tmp_path / "result", Control())
    result = read(tmp_path / "result")
    assert result.shape == (2, 64, 96, 3)
    assert (result != enlarged(low)).any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["low.mp4", "result"]


def test_identity_follows_settings_and_weights():
    base = RestoreSettings()
    identity = restoration("compact", base).identity()
    assert identity["settings"]["steps"] is not None and identity["weights"]
    assert restoration("compact:seed=7", base).identity() != identity
    assert restoration("compact", base).identity() == identity


def test_models_are_named_with_their_changes():
    method = restoration("compact:steps=2,guidance=none,sap=false", RestoreSettings())
    assert method.name == "compact steps=2 guidance=none sap=false"
    assert (method.settings.steps, method.settings.guidance, method.settings.sap) == (2, "none", False)


@pytest.mark.parametrize("text", ["compact:steps=0", "compact:speed=3", "compact:steps=1,fast"])
def test_impossible_changes_are_one_sentence(text):
    with pytest.raises(SettingsError):
        restoration(text, RestoreSettings())


def test_unknown_models_are_one_sentence():
    with pytest.raises(ModelError, match="nonesuch"):
        restoration("nonesuch", RestoreSettings()).identity()


def test_ablation_varies_one_thing_at_a_time():
    settings = {method.name: method.settings for method in ablation("compact", RestoreSettings(seed=3))}
    assert list(settings) == list(VARIANTS)
    assert len(set(settings.values())) == len(settings)
    full = settings["+SAP+TAP+DSSAG"].to_dict()
    assert settings["baseline"].guidance == "none" and not settings["baseline"].sap and not settings["baseline"].tap
    for name in list(VARIANTS)[5:]:
        differing = [key for key, value in settings[name].to_dict().items() if value != full[key]]
        assert len(differing) == 1, name
    assert all(value.seed == 3 for value in settings.values())
