"""The manifest: read back as written; whatever was damaged or edited is refused in one sentence."""

import json

import jobs
import pytest

from dcvsr_engine.errors import JobError
from dcvsr_engine.jobs import manifest as kept
from dcvsr_engine.jobs.manifest import FORMAT, MANIFEST, read_manifest, seal_of, write_manifest
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RestoreSettings


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    written = jobs.manifest(tmp_path).with_unit(1, state="finished", file="unit-00001.video", sha256="ef")
    write_manifest(tmp_path, written)
    assert read_manifest(tmp_path) == written
    source, target = tmp_path / "clip \udce9.mkv", tmp_path / "out.mkv"
    assert written.request == JobRequest(source=source, target=target, settings=RestoreSettings(seed=7), frames=(3, 22))
    assert [unit.id for unit in written.finished] == [1] and not list(tmp_path.glob("*partial*"))


def test_where_no_job_was_begun_there_is_no_manifest(tmp_path):
    assert read_manifest(tmp_path) is None


def all_values(values, path=()):
    """Path and value of every single value in JSON."""
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from all_values(value, (*path, key))
    else:
        yield path, values


def put(values, path, value):
    for key in path[:-1]:
        values = values[key]
    values[path[-1]] = value


def test_every_edited_value_is_noticed(tmp_path):
    write_manifest(tmp_path, jobs.manifest(tmp_path))
    path = tmp_path / MANIFEST
    text = path.read_text()
    places = [place for place, _ in all_values(json.loads(text)) if place[0] != "engine"]
    assert len(places) > 50
    for place in places:
        for value in (11, "other", None):
            values = json.loads(text)
            put(values, place, value)
            if values == json.loads(text):
                continue
            path.write_text(json.dumps(values))
            with pytest.raises(JobError):
                read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: values["job"].pop("published"), "its content was changed"),
        (lambda values: values.pop("seal"), "there is no 'seal'"),
        (lambda values: values.update(job=[]), "its content was changed"),
    ],
)
def test_damage_is_one_sentence_that_says_what_to_do(change, words, tmp_path):
    write_manifest(tmp_path, jobs.manifest(tmp_path))
    path = tmp_path / MANIFEST
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(JobError) as caught:
        read_manifest(tmp_path)
    assert words in str(caught.value) and "remove" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", f'{{"format": {FORMAT}}}', "[" * 100_000, "\udcff"])
def test_what_is_no_manifest_is_said_to_be_damaged(text, tmp_path):
    (tmp_path / MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(JobError, match=r"job.json is damaged \(.+\); remove"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"threads": "many"}, {"decode_frames": -1}, {"threads": 0}, {"units": [{"id": 0}]}, {"shots": 7}, {"surprise": 1}],
)
def test_a_sealed_manifest_with_impossible_values_is_refused(changes, tmp_path):
    """As another build of the same version might write it."""
    values = jobs.manifest(tmp_path).to_dict() | changes
    whole = {"format": kept.FORMAT, "engine": "0.1.0", "seal": seal_of(values), "job": values}
    (tmp_path / MANIFEST).write_text(json.dumps(whole))
    with pytest.raises(JobError, match=r"job.json is damaged \(.+\); remove"):
        read_manifest(tmp_path)


def test_an_earlier_format_is_refused_by_version(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps({"format": 2, "engine": "0.0.9", "request": {}}))
    with pytest.raises(JobError, match=r"version 0\.0\.9 of the program started it, .* restore it anew"):
        read_manifest(tmp_path)
