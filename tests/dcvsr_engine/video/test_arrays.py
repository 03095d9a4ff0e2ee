"""The one way from floats to bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from dcvsr_engine.video.arrays import to_uint8


def test_every_byte_comes_back_and_the_rest_is_clipped() -> None:
    bytes_ = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(bytes_.astype(np.float32) / 255), bytes_)
    np.testing.assert_array_equal(to_uint8(np.array([-0.5, 1.5, 0.4 / 255, 0.6 / 255], np.float32)), [0, 255, 0, 1])


def test_it_loads_neither_torch_nor_the_decoder() -> None:
    code = "import sys, dcvsr_engine.video.arrays; assert not {'av', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True)
