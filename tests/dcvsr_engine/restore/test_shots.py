"""Cuts in synthetic shots: found where they are, and not in motion, flashes or fades."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clips import Clip, write_clip
