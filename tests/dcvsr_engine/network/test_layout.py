"""Where weights are, and configs that would have a network built for ever."""

import json
import os
import shutil
import sys

import pytest
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.network.checkpoint import load
from dcvsr_engine.network.layout import check_layers, weight_files

WEIGHTS = "diffusion_pytorch_model.safetensors"


CHANGES = [
    {"layers_per_block": 10**6},
    {"transformer_layers_per_block": [1, 10**6]},
    {"transformer_layers_per_block": [[10**6]]},
    {"down_block_types": ["x"] * 10**6},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_config_with_more_layers_than_weights_is_refused(tiny_model, tmp_path, change):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelError, match=r"describes [\d,]+ layers, but there are only \d+ weights"):
        load(folder, folder, "cpu", "fp32")


def test_the_published_configs_are_plausible(tmp_path):
    tensors = 1000  # Stable Video Diffusion's U-Net has more
    check_layers(tmp_path, SVD_UNET, tensors)
    check_layers(
        tmp_path, dict(UNetSpatioTemporalConditionModel.from_config(SVD_UNET | {"block_out_channels": [32] * 4}).config), tensors
    )
    check_layers(tmp_path, {"num_hidden_layers": 32}, 519)  # its image encoder
    with pytest.raises(ModelError):
        check_layers(tmp_path, {"num_hidden_layers": 10**6}, 519)


@pytest.mark.parametrize("text", ["[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000])
@pytest.mark.parametrize("name", ["dcvsr.json", "scales.json", "unet/config.json"])
def test_json_that_is_nested_too_deeply_is_one_sentence(tiny_model, tmp_path, name, text):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / name).write_text(text)
    with pytest.raises(ModelError, match="nested too deeply"):
        load(folder, folder, "cpu", "fp32")


STEM = "diffusion_pytorch_model"


def files_in(folder, *names, index=None):
    for name in names:
        (folder / name).write_bytes(b"x")
    for name, listed in (index or {}).items():
        (folder / name).write_text(json.dumps({"weight_map": dict(enumerate(listed))}))
    return [path.name for path in weight_files(folder)]


def test_weights_are_those_of_one_variant(tmp_path):
    shards = [f"{STEM}-0000{n}-of-00002.safetensors" for n in (1, 2)]
    half = [f"{STEM}.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)]
    half_index = {f"{STEM}.safetensors.index.fp16.json": half}
    assert files_in(tmp_path, *half, index=half_index) == half
    assert files_in(tmp_path, *shards) == shards
    stale = f"{STEM}-00003-of-00003.safetensors"
    assert files_in(tmp_path, stale, index={f"{STEM}.safetensors.index.json": shards}) == shards
    assert files_in(tmp_path, WEIGHTS) == [WEIGHTS]


def test_one_file_of_full_precision_goes_before_all_others(tmp_path):
    assert files_in(tmp_path, f"{STEM}.fp16.safetensors") == [f"{STEM}.fp16.safetensors"]
    assert files_in(tmp_path, WEIGHTS, f"{STEM}.non_ema.safetensors", f"{STEM}-00001-of-00002.safetensors") == [WEIGHTS]


@pytest.mark.parametrize("listed", [["missing.safetensors"], ["../outside.safetensors"], []])
def test_an_index_lists_files_beside_it(tmp_path, listed):
    folder = tmp_path / "unet"
    folder.mkdir()
    (tmp_path / "outside.safetensors").write_bytes(b"x")
    names = {f"{STEM}.safetensors.index.json": listed}
    if not listed:
        (folder / f"{STEM}.safetensors.index.json").write_text("[]")
        names = None
    with pytest.raises(ModelError, match=r"which its index lists, is missing|no index of weights"):
        files_in(folder, f"{STEM}-00001-of-00002.safetensors", index=names)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
@pytest.mark.parametrize("name", ["dcvsr.json", "scales.json", "unet/config.json", f"unet/{WEIGHTS}"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tiny_model, tmp_path, name):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert all(path.is_file() for path in weight_files(folder / "unet"))
    with pytest.raises(ModelError, match=r"not a regular file|there is no \.safetensors file"):
        load(folder, folder, "cpu", "fp32")
