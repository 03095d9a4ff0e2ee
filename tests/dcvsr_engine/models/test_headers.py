"""Headers of safetensors files, sound and not."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.headers import TensorHeader, read_header


def test_names_types_and_shapes(tmp_path):
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.float16)}, tmp_path / "x.safetensors", {"format": "pt"})
    assert read_header(tmp_path / "x.safetensors") == {"a": TensorHeader("F32", (2, 3)), "b": TensorHeader("F16", (4,))}


@settings(max_examples=40)
@given(cut=st.integers(1, 200), junk=st.binary(min_size=1, max_size=8), longer=st.booleans())
def test_what_is_cut_short_or_goes_on_is_refused_with_one_sentence(tmp_path_factory, cut, junk, longer):
    data = save({"a": torch.zeros(8), "b": torch.ones(4)})
    path = tmp_path_factory.getbasetemp() / "cut.safetensors"
    path.write_bytes(data + junk if longer else data[:-cut])
    with pytest.raises(ModelError, match="damaged or no safetensors file") as caught:
        read_header(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": {}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]}},
        {"a": {"dtype": "new", "shape": [1], "data_offsets": [0, 4]}},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, header):
    text = json.dumps(header).encode()
    (tmp_path / "x.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ModelError, match="damaged or no safetensors file"):
        read_header(tmp_path / "x.safetensors")
