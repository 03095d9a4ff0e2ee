"""``dcvsr.json``: read back as it was written, refused with the reason, and the source of the settings' defaults."""

import json
import pickle

import networks
import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.network.declaration import FILE, Declaration
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import ResolvedSettings, RestoreSettings

DECLARED = networks.declaration(unconditional=("condition",), sha256={"a": "b"}, added_time_ids=(1.0, 2.0))


def read(folder, text):
    """Declare ``text`` in a folder, and read it."""
    (folder / FILE).write_bytes(text.encode(errors="surrogateescape"))
    return Declaration.from_folder(folder)


def test_a_declaration_is_read_back_as_it_was_written(tmp_path):
    again = read(tmp_path, DECLARED.to_json())
    assert again == DECLARED == pickle.loads(pickle.dumps(DECLARED)) and hash(again) == hash(DECLARED)
    assert again.unconditional == ("condition",) and again.added_time_ids == (1.0, 2.0)
    compact = read(tmp_path, model_folder("compact").joinpath(FILE).read_text("utf-8"))
    assert (compact.name, compact.upsampler) == ("compact", "learned")


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"first_stage": "other"}, "first_stage must be one of vae, haar, not 'other'."),
        ({"upsampler": "lanczos"}, "upsampler must be one of bicubic, learned, not 'lanczos'."),
        ({"guidance": "other"}, "guidance must be one of none, cfg, sag, pag, dssag, not 'other'."),
        ({"image_embedding": "maybe"}, "image_embedding must be one of none, zeros, first-frame, not 'maybe'."),
        ({"unconditional": ["everything"]}, "unconditional[0] must be one of image_embedding, condition, not 'everything'."),
        ({"added_time_ids": "6"}, "added_time_ids must be a list, not '6'."),
        ({"sigma_min": "low"}, "sigma_min must be a number, not 'low'."),
        ({"sigma_min": 0}, "sigma_min must be greater than 0.0, not 0."),
        ({"sigma_min": 900.0}, "sigma_max must be larger than sigma_min (900.0), not 80.0."),
        ({"sigma_max": None}, "sigma_max must be a number, not None."),
        ({"steps": 0}, "steps must be between 1 and 200, not 0."),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5."),
        ({"tile": 1}, "tile must be between 16 and 256, not 1."),
        ({"scale": True}, "scale must be a whole number, not True."),
        ({"factor": 0}, "factor must be at least 1, not 0."),
        ({"noise_share": 2.0}, "noise_share must be between 0 and 1, not 2.0."),
        ({"sha256": {"a": 1}}, "sha256.a must be text, not 1."),
        ({"guidance_scales": 1}, "There is no key “guidance_scales”; the nearest is “guidance_scale”."),
        ({"name": None}, "name must be text, not None."),
    ],
)
def test_what_is_not_understood_is_named(changes, reason, tmp_path):
    with pytest.raises(ModelError) as caught:
        read(tmp_path, json.dumps(DECLARED.replace(sigma_max=80.0).to_dict() | changes))
    assert str(caught.value) == f"{tmp_path / FILE} is not understood: {reason}"


@pytest.mark.parametrize("text", ["", "[1, 2]", "3", '{"name": "x"}', "\udcff"])
def test_what_is_no_declaration_is_refused(text, tmp_path):
    with pytest.raises(ModelError, match=r"dcvsr\.json is not understood: [^\n]*[^.]\.$"):
        read(tmp_path, text)


def test_a_folder_without_one_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"is no DC-VSR model: dcvsr\.json is missing\."):
        Declaration.from_folder(tmp_path)


def test_defaults_come_from_the_model_and_choices_from_the_user():
    declared = networks.declaration(steps=7, guidance="cfg", guidance_scale=3.0, sap=False, tap=False)
    resolved = declared.resolve(RestoreSettings(guidance_scale=1.5, tap=True))
    assert (resolved.steps, resolved.guidance, resolved.guidance_scale, resolved.tile) == (7, "cfg", 1.5, 16)
    assert (resolved.sap, resolved.tap) == (False, True)


def test_sap_and_tap_are_on_where_nothing_is_declared_and_off_in_the_built_in_model():
    built_in = Declaration.from_folder(resource("models", "compact"))
    for declared, on in ((networks.declaration(), True), (built_in, False)):
        resolved = declared.resolve(RestoreSettings())
        assert (resolved.sap, resolved.tap) == (on, on)


def test_resolving_twice_changes_nothing():
    chosen = RestoreSettings(size="x2", overlap=0.25)
    once = DECLARED.resolve(chosen)
    assert type(once) is ResolvedSettings and None not in once.to_dict().values()
    assert networks.declaration(steps=9).resolve(once) == once
    assert {name: once.to_dict()[name] for name in ("scale", "overlap")} == {"scale": 2, "overlap": 0.25}
