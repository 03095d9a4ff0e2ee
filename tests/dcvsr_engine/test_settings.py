"""Settings: every field validated with a sentence, JSON both ways."""

import json
import pickle
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.settings import OutputSettings, ResolvedSettings, RestoreSettings, rate_of

FIELDS = [(kind, name) for kind in (RestoreSettings, OutputSettings) for name in kind.specs()]
EXAMPLES = {
    "size": ("auto", "x1", "x4", "1080p", "4k", "854x480", "16384x16384"),
    "reduce": ("auto", "1", "1.5", "8"),
    "frame_rate": ("auto", "1", "23.976", "24000/1001", "1000"),
    "picture_name": ("%d", "%06d", "shot.%04d", "%03d filmé"),
}
"""Values of settings that are texts of a certain form."""
each_field = pytest.mark.parametrize("kind, name", FIELDS, ids=lambda value: getattr(value, "__name__", value))


def valid(kind, name):
    """Values that a field takes."""
    spec = kind.specs()[name]
    if spec.choices:
        values = st.sampled_from(spec.choices)
    elif spec.kind is bool:
        values = st.booleans()
    elif name in EXAMPLES:
        values = st.sampled_from(EXAMPLES[name])
    elif spec.kind is str:
        values = st.text(st.characters(codec="utf-8"))
    elif spec.kind is int:
        values = st.integers(spec.low, spec.high)
    else:
        values = st.floats(spec.low, spec.high)
    return st.none() | values if spec.nullable else values


def any_settings(kind):
    return st.builds(kind, **{name: valid(kind, name) for name in kind.specs()})


def refused(kind, name, value):
    """The sentence with which a value is refused."""
    with pytest.raises(SettingsError) as caught:
        kind(**{name: value})
    sentence = str(caught.value)
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@given(any_settings(RestoreSettings), any_settings(OutputSettings))
def test_json_gives_the_same_settings(restore, output):
    for chosen in (restore, output):
        kind = type(chosen)
        assert kind.from_json(json.dumps(chosen.to_dict())) == chosen
        assert kind.from_dict(chosen.to_dict()) == chosen
        assert chosen.replace() == chosen
        assert hash(chosen) == hash(chosen.replace())
        assert pickle.loads(pickle.dumps(chosen)) == chosen


@each_field
@settings(max_examples=15)
@given(data=st.data())
def test_every_field_takes_its_range(kind, name, data):
    value = data.draw(valid(kind, name))
    assert getattr(kind(**{name: value}), name) == value


@each_field
@settings(max_examples=15)
@given(value=st.one_of(st.lists(st.integers()), st.dictionaries(st.text(), st.text()), st.binary()))
def test_no_field_takes_another_type(kind, name, value):
    refused(kind, name, value)


@each_field
@settings(max_examples=15)
@given(data=st.data())
def test_numbers_outside_of_the_range_are_refused(kind, name, data):
    spec = kind.specs()[name]
    if spec.kind not in (int, float):
        assert spec.low is spec.high is None
        return
    assert spec.low is not None and spec.high is not None, "every number has a range"
    assert "must be between" in refused(kind, name, data.draw(st.integers(max_value=int(spec.low) - 1)))
    assert "must be between" in refused(kind, name, data.draw(st.integers(min_value=int(spec.high) + 1)))
    if spec.kind is float:
        refused(kind, name, float("nan"))
        refused(kind, name, float("inf"))
    else:
        assert "must be a whole number" in refused(kind, name, spec.low + 0.5)
        assert "must be a whole number" in refused(kind, name, True)


@each_field
def test_only_fields_that_the_model_decides_may_be_left_open(kind, name):
    if kind.specs()[name].nullable:
        assert getattr(kind(**{name: None}), name) is None
    else:
        refused(kind, name, None)


@each_field
def test_every_field_has_a_sentence_of_help(kind, name):
    doc = kind.specs()[name].doc
    assert doc.endswith(".")


def test_what_the_issue_names():
    assert refused(RestoreSettings, "steps", 0) == "steps must be between 1 and 200, not 0."
    assert refused(RestoreSettings, "gamma_peak", -0.5) == "gamma_peak must be between 0.0 and 8.0, not -0.5."
    assert refused(RestoreSettings, "guidance", "strong") == "guidance must be one of none, cfg, sag, pag, dssag, not 'strong'."


@pytest.mark.parametrize(
    ("given", "kept"), [("4K", "4k"), ("X2", "x2"), ("1920×1080", "1920x1080"), (" 1440p ", "1440p"), ("16X16", "16x16")]
)
def test_sizes_are_stored_in_one_way(given, kept):
    assert RestoreSettings(size=given).size == kept


@pytest.mark.parametrize(
    "size", ["", "0", "x0", "x5", "2x", "0x0", "20000x20000", "1920x", "8x8", "-4x4", "720", "9k", "1e3x1e3", "٣x٣"]
)
def test_sizes_that_are_none(size):
    assert "size must be auto, x1, x2, x3, x4, 1080p, 1440p, 4k or WIDTHxHEIGHT" in refused(RestoreSettings, "size", size)


@pytest.mark.parametrize("rate", ["", "0", "1001", "24/0", "-24", "24 fps", "1e2", "nan", "24/1001", "٢٤"])
def test_frame_rates_that_are_none(rate):
    assert "frame_rate must be auto, or frames per second such as 24" in refused(OutputSettings, "frame_rate", rate)


@pytest.mark.parametrize(
    ("text", "rate"), [("23.976", Fraction(24000, 1001)), ("59.94", Fraction(60000, 1001)), ("24", 24), ("12.5", Fraction(25, 2))]
)
def test_short_rates_stand_for_the_exact_ones(text, rate):
    assert rate_of(text) == rate and rate_of("auto") is None


@pytest.mark.parametrize("name", ["", "shot", "%4d", "%00d", "%d%d", "%s%04d", "a/%04d", "..%04d", "%%d", "a\n%d"])
def test_names_of_pictures_that_are_none(name):
    assert "picture_name must be text with %04d for the number" in refused(OutputSettings, "picture_name", name)


@pytest.mark.parametrize("factor", ["", "0", "0.5", "9", "-1", "nan", "inf", "two", "1,5", "1e0"])
def test_reductions_that_are_none(factor):
    assert "reduce must be auto or a factor between 1 and 8" in refused(RestoreSettings, "reduce", factor)


def test_unknown_settings_get_the_known_ones():
    for use in (RestoreSettings.from_dict, lambda values: RestoreSettings().replace(**values)):
        with pytest.raises(SettingsError, match="There is no setting “stepz”; the nearest is “steps”"):
            use({"stepz": 3})
        with pytest.raises(SettingsError, match="There is no setting “quality”; known settings are model, size, reduce, steps"):
            use({"quality": 3})


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"steps"', "9" * 5000, '{"steps": 1e400}', '{"gamma_rho": NaN}'])
def test_text_that_holds_no_settings(text):
    with pytest.raises(SettingsError):
        RestoreSettings.from_json(text)


def test_whole_numbers_serve_as_numbers_and_settings_are_frozen():
    chosen = RestoreSettings(guidance_scale=3)
    assert type(chosen.guidance_scale) is float
    with pytest.raises(ValueError, match="frozen"):
        chosen.steps = 3


def test_resolved_settings_leave_nothing_to_the_model():
    open_settings = [name for name, spec in RestoreSettings.specs().items() if spec.nullable]
    assert open_settings == ["steps", "guidance", "guidance_scale", "sap", "tap", "tiling", "tile", "window"]
    assert ResolvedSettings.specs().keys() - RestoreSettings.specs().keys() == {"scale"}, "it follows from the size"
    for name, known in RestoreSettings.specs().items():
        spec = ResolvedSettings.specs()[name]
        assert not spec.nullable
        assert (spec.kind, spec.low, spec.high, spec.choices) == (known.kind, known.low, known.high, known.choices)
