"""Methods: bicubic, and models through the real restoration."""

import json
import shutil

import pytest

from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.schedule import step_kinds
from dcvsr_engine.errors import ModelError, SettingsError
from dcvsr_engine.events import StepKind, StepStarted
from dcvsr_engine.research.evaluation.ablation import VARIANTS, ablation
from dcvsr_engine.research.evaluation.clips import write_h264
from dcvsr_engine.research.evaluation.methods import Bicubic, enlarge_bicubic, restoration
from dcvsr_engine.research.pictures import read_pictures
from dcvsr_engine.settings import RestoreSettings


@pytest.fixture
def low(moving, tmp_path):
    write_h264(moving[:2, :16, :24], tmp_path / "low.mp4")
    return tmp_path / "low.mp4"


def test_bicubic_enlarges_four_times(low, tmp_path):
    Bicubic().restore(low, tmp_path / "result", Control())
    assert (read_pictures(tmp_path / "result") == enlarge_bicubic(low)).all() and enlarge_bicubic(low).shape == (2, 64, 96, 3)


def test_a_model_runs_through_the_real_pipeline(low, tmp_path):
    method = restoration("compact:steps=1,guidance=none,precision=fp32", RestoreSettings(device="cpu"))
    (tmp_path / ".result-0badc0de.job").mkdir()
    assert method.restore(low, tmp_path / "result", Control()) > 0
    result = read_pictures(tmp_path / "result")
    assert result.shape == (2, 64, 96, 3)
    assert (result != enlarge_bicubic(low)).any()
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"low.mp4", "result"}


def test_identity_follows_settings_and_weights():
    base = RestoreSettings()
    identity = restoration("compact", base).identity()
    assert identity["settings"]["steps"] is not None and len(identity["files"]) == 6
    assert restoration("compact:seed=7", base).identity() != identity
    assert restoration("compact", base).identity() == identity


def test_models_are_named_with_their_changes():
    method = restoration("compact:steps=2,guidance=none,sap=false", RestoreSettings())
    assert method.name == "compact steps=2 guidance=none sap=false"
    assert (method.settings.steps, method.settings.guidance, method.settings.sap) == (2, "none", False)
    named = restoration("new, all on=/models/a:steps=4", RestoreSettings())
    assert (named.name, named.settings.model, named.settings.steps) == ("new, all on", "/models/a", 4)
    assert restoration("new=compact", RestoreSettings()).settings.model == "compact"


@pytest.mark.parametrize("text", ["compact:steps=0", "compact:speed=3", "compact:steps=1,fast"])
def test_impossible_changes_are_one_sentence(text):
    with pytest.raises(SettingsError):
        restoration(text, RestoreSettings())


def test_unknown_models_are_one_sentence():
    with pytest.raises(ModelError, match="nonesuch"):
        restoration("nonesuch", RestoreSettings()).identity()


def test_a_changed_model_has_another_identity(tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "tiny")
    before = restoration(str(tmp_path / "tiny"), RestoreSettings()).identity()
    declared = json.loads((tmp_path / "tiny" / "dcvsr.json").read_text())
    (tmp_path / "tiny" / "dcvsr.json").write_text(json.dumps(declared | {"sigma_max": 10.0}))
    after = restoration(str(tmp_path / "tiny"), RestoreSettings()).identity()
    assert after["settings"] == before["settings"] and after != before


def test_a_killed_restoration_goes_on_and_is_not_timed(low, tmp_path):
    class Killed(Exception):
        pass

    def kill(event):
        if isinstance(event, StepStarted) and event.step == 1:
            raise Killed

    method = restoration("compact:steps=2,guidance=none,precision=fp32", RestoreSettings(device="cpu"))
    with pytest.raises(Killed):
        method.restore(low, tmp_path / "result", Control(kill))
    assert method.restore(low, tmp_path / "result", Control()) is None
    assert method.restore(low, tmp_path / "again", Control()) > 0
    assert (read_pictures(tmp_path / "result") == read_pictures(tmp_path / "again")).all()


def test_ablation_varies_one_thing_at_a_time():
    methods = ablation(restoration("compact:tile=32", RestoreSettings(seed=3)))
    settings = {method.name: method.settings for method in methods}
    assert list(settings) == list(VARIANTS)
    assert len(set(settings.values())) == len(settings)
    full = settings["+SAP+TAP+DSSAG"].to_dict()
    assert settings["baseline"].guidance == "none" and not settings["baseline"].sap and not settings["baseline"].tap
    for name in list(VARIANTS)[6:]:
        differing = [key for key, value in settings[name].to_dict().items() if value != full[key]]
        assert len(differing) == 1, name
    assert all((value.seed, value.tile, value.size) == (3, 32, "x4") for value in settings.values())


def test_ablation_of_some_variants():
    model = restoration("compact", RestoreSettings())
    assert [method.name for method in ablation(model, ("baseline", "+TAP"))] == ["baseline", "+TAP"]
    with pytest.raises(SettingsError, match="“\\+PAT” is no variant of the ablation; choose some of baseline, \\+SAP, "):
        ablation(model, ("+PAT",))


def test_ablation_lets_sap_tap_and_guidance_act_on_a_model_that_declares_one_step():
    methods = {method.name: method for method in ablation(restoration("compact", RestoreSettings()))}
    settings = methods["+SAP+TAP"].resolved
    kinds = step_kinds(settings.steps, settings)
    assert StepKind.SAP in kinds and StepKind.TAP_FORWARD in kinds and settings.guidance_scale > 1 and settings.tiling == "paper"
    chosen = ablation(restoration("compact:steps=3,tiling=fast,guidance_scale=2", RestoreSettings()))[0].settings
    assert (chosen.steps, chosen.tiling, chosen.guidance_scale) == (3, "fast", 2)
    with pytest.raises(SettingsError, match="steps=2"):
        ablation(restoration("compact:steps=1", RestoreSettings()))
