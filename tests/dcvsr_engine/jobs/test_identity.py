"""What makes a job the same job, and how a change is put into words."""

import shutil
from pathlib import Path

import pytest

from dcvsr_engine.jobs.identity import change_since, file_facts, hashed, model_hashes
from dcvsr_engine.jobs.manifest import FileFacts, JobIdentity
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import OutputSettings, RestoreSettings

FILE = FileFacts(name="clip.mkv", size=4, changed=5, ends="ab")
REQUEST = JobRequest(source=Path("clip.mkv"), settings=RestoreSettings(seed=1))
IDENTITY = JobIdentity(
    engine="1",
    input=(FILE,),
    model={"tiny/dcvsr.json": "cd"},
    device=("cpu", "fp32"),
    request=REQUEST,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "2"}, "version 1 of the program started it and this is version 2"),
        ({"input": (FILE, FILE)}, "the input has changed: there were 1 pictures and now there are 2"),
        ({"input": (FILE.replace(name="b"),)}, "the input has changed: “clip.mkv” is now “b”"),
        ({"input": (FILE.replace(size=9),)}, "the input has changed: “clip.mkv” had 4 bytes and has 9 now"),
        ({"input": (FILE.replace(changed=9),)}, "the input has changed: “clip.mkv” was written again since"),
        ({"input": (FILE.replace(ends="cd"),)}, "the input has changed: “clip.mkv” was written again since"),
        ({"model": {}}, "the model's file tiny/dcvsr.json has changed"),
        ({"model": {"tiny/dcvsr.json": "cd", "tiny/more": "ef"}}, "the model's file tiny/more has changed"),
        ({"device": ("cuda", "bf16")}, "it was started on cpu with fp32 and would continue on cuda with bf16"),
        ({"request": REQUEST.replace(frames=(0, 1))}, "frames was None and is [0, 1] now"),
        ({"request": REQUEST.replace(settings=RestoreSettings(seed=2))}, "seed was 1 and is 2 now"),
        ({"request": REQUEST.replace(output=OutputSettings(crf=0))}, "crf was 16 and is 0 now"),
    ],
)
def test_a_change_is_named(changes, words):
    assert change_since(IDENTITY, IDENTITY.replace(**changes)) == words


def test_nothing_has_changed_where_nothing_has():
    assert change_since(IDENTITY, JobIdentity.from_dict(IDENTITY.to_dict())) is None


def test_a_files_ends_are_compared(tmp_path):
    path = tmp_path / "clip"
    path.write_bytes(bytes(3 * 2**20))
    before = file_facts(path)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    assert before.size == 3 * 2**20 and file_facts(path).ends != before.ends
    path.write_bytes(b"")
    assert file_facts(path).size == 0


def test_a_models_files_are_hashed_once_while_they_stay(tiny_model):
    declaration = Declaration.from_folder(tiny_model)
    first = model_hashes(tiny_model, declaration)
    misses = hashed.cache_info().misses
    assert model_hashes(tiny_model, declaration) == first and hashed.cache_info().misses == misses
    assert {"tiny/dcvsr.json", "tiny/scales.json", "tiny/unet/config.json"} <= first.keys()


def test_a_learned_upsampler_decides_what_a_model_computes(learned_model, tmp_path):
    folder = shutil.copytree(learned_model, tmp_path / "learned")
    declaration = Declaration.from_folder(folder)
    known = model_hashes(folder, declaration)
    assert {"learned/upsampler/config.json", "learned/upsampler/model.safetensors"} <= known.keys()
    weights = folder / "upsampler" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    sentence = change_since(IDENTITY.replace(model=known), IDENTITY.replace(model=model_hashes(folder, declaration)))
    assert sentence == "the model's file learned/upsampler/model.safetensors has changed"
