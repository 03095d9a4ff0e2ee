"""Job requests: as they are kept in job folders and queue files."""

import pickle
from pathlib import Path

import pytest

from dcvsr_engine.errors import JobError, SettingsError
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.settings import OutputSettings, RestoreSettings

REQUEST = JobRequest(
    source=Path("clips/a.mp4"),
    target=Path("out.mkv"),
    settings=RestoreSettings(steps=3, guidance="none"),
    output=OutputSettings(codec="ffv1"),
    frames=(3, 9),
    region=Region(x=1, y=2, width=30, height=20),
)


def test_a_request_is_read_back_as_it_was():
    for request in (REQUEST, JobRequest(source=Path("a")), JobRequest(source=Path("\udcff.mp4"), target=Path("\udcff.mkv"))):
        assert JobRequest.from_dict(request.to_dict()) == request
        assert JobRequest.from_json(request.to_json()) == request
        assert pickle.loads(pickle.dumps(request)) == request and hash(request) == hash(request.replace())
    assert REQUEST.to_dict()["frames"] == [3, 9] and REQUEST.to_dict()["source"] == str(Path("clips/a.mp4"))


@pytest.mark.parametrize(
    "changes, error, sentence",
    [
        ({"source": None}, JobError, "source must be a path, not None."),
        ({"frames": [1]}, JobError, "frames[1] is missing."),
        ({"frames": [1, 2, 3]}, JobError, "frames must have at most 2 values, not 3."),
        ({"frames": ["1", "2"]}, JobError, "frames[0] must be a whole number, not '1'."),
        ({"region": {"x": 1}}, JobError, "The key “region.y” is missing."),
        ({"region": [1, 2, 3, 4]}, JobError, "region must be a JSON object, not [1, 2, 3, 4]."),
        ({"settings": {"steps": 0}}, SettingsError, "steps must be between 1 and 200, not 0."),
        ({"output": {"codec": "vp9"}}, SettingsError, "codec must be one of auto, h264, h265, av1, ffv1, prores, png, tiff, "),
        ({"nonesuch": 1}, JobError, "There is no key “nonesuch”; known keys are source, target, settings, output, "),
    ],
)
def test_a_damaged_request_is_refused_in_one_sentence(changes, error, sentence):
    with pytest.raises(error) as caught:
        JobRequest.from_dict(REQUEST.to_dict() | changes)
    assert str(caught.value).startswith(sentence)
