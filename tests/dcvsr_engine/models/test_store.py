"""Verify, remove, default; and the command line over them."""

import json

import pytest

from dcvsr_engine import cli
from dcvsr_engine.arguments import settings_from
from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.importing import import_model
from dcvsr_engine.models.registry import default_model, model_folder, set_default
from dcvsr_engine.models.store import remove_model
from dcvsr_engine.models.verification import verify_model
from dcvsr_engine.resources import resource

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def second(home):
    return import_model(resource("models", "compact"), "second")


@pytest.fixture
def run(capsys):
    """Run ``dcvsr models …``; gives exit code, output and error output."""

    def command(*arguments):
        capsys.readouterr()
        code = cli.main(["models", *map(str, arguments)])
        return code, *capsys.readouterr()

    return command


def rot(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_bit_rot_is_found_and_named(run, second):
    assert run("verify", "second") == (0, "second: unchanged since it was added.\n", "")
    rot(second.folder / WEIGHTS)
    (second.folder / "README.md").unlink()
    code, out, _ = run("verify", "--json")
    assert code == 1
    damage = json.loads(out)
    assert damage["compact"] == []
    assert sorted(WEIGHTS in text or "README.md is missing" in text for text in damage["second"]) == [True, True]


def test_weights_without_a_hash_are_looked_at(full):
    model = import_model(full)
    (model.folder / "source.json").unlink()
    assert verify_model(model) == []
    path = model.folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1])
    assert "it holds" in verify_model(model)[0]


def test_what_came_with_the_program_stays(run):
    assert run("remove", "compact") == (2, "", "dcvsr: “compact” came with the program and stays.\n")
    assert model_folder("compact").is_dir()


def test_removing(run, home, second):
    assert run("remove", "second")[0] == 0
    assert list(home.iterdir()) == []
    assert "There is no model “second”" in run("remove", "second")[2]


def test_a_base_stays_while_something_is_laid_over_it(full, run):
    import_model(full, "base")
    import_model(full / "unet", "tuned", "base")
    assert "“tuned” is laid over “base”; remove that first." in run("remove", "base")[2]
    assert run("remove", "tuned")[0] == run("remove", "base")[0] == 0


def test_the_default_is_used_where_no_model_is_named(run, second, tmp_path):
    assert run("default")[1] == "compact\n"
    assert run("default", "second")[1] == "second\n"
    options = cli.command_parser().parse_args(["restore", "clip.mp4"])
    assert settings_from(options)[0].model == "second"
    options = cli.command_parser().parse_args(["restore", "clip.mp4", "--model", "compact"])
    assert settings_from(options)[0].model == "compact"
    remove_model("second")
    assert default_model() == "compact"


def test_no_default_that_cannot_restore(full):
    import_model(full / "unet", "tuned")
    with pytest.raises(ModelError, match=r"“tuned” cannot be used: .* needs"):
        set_default("tuned")


def test_a_damaged_declaration_is_listed_with_its_reason(run, second):
    (second.folder / "dcvsr.json").write_text("{")
    code, out, _ = run("list")
    assert code == 0
    assert "Damaged: " in out and "is not understood" in out and "Compact (built in)" in out
    assert "is not understood" in json.loads(run("list", "--json")[1])["second"]["problem"]
    assert run("verify", "second")[0] == 1


def test_importing_says_what_is_assumed(run, full):
    code, out, _ = run("import", full)
    assert code == 0
    assert "Assumed, not declared: condition_scaled" in out
    assert "dcvsr models probe my-video-model" in out
    assert run("import", full)[0] == 2


def test_the_catalogue_is_printed(run, home):
    assert "Stability AI Community License" in run("catalogue")[1]
    assert {entry["name"]: entry["installed"] for entry in json.loads(run("catalogue", "--json")[1])}["compact"]
    assert run("folder")[1] == f"{home}\n"
