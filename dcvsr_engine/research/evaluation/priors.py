"""A learned upsampler alone as a column: what the refining network is measured against."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dcvsr_engine import __version__
from dcvsr_engine.control import Control
from dcvsr_engine.models.registry import installed_folders
from dcvsr_engine.network.upsampler import Upsampler, neighbours
from dcvsr_engine.network.upsampler_config import UPSAMPLER_CONFIG, UPSAMPLER_FOLDER, UPSAMPLER_WEIGHTS
from dcvsr_engine.network.upsampling import LearnedUpsampler
from dcvsr_engine.research.evaluation.clips import EVALUATION_SCALE
from dcvsr_engine.research.evaluation.methods import split_heading
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_pictures, to_tensor
from dcvsr_engine.storage import sha256


@dataclass(frozen=True)
class Prior:
    """A learned upsampler without a network that refines its result; ``folder`` holds its config and weights."""

    name: str
    folder: Path

    @cached_property
    def upsampler(self) -> LearnedUpsampler:
        """The network; raises `ModelError` when it is missing or damaged."""
        return LearnedUpsampler(Upsampler.from_folder(self.folder))

    @property
    def details(self) -> str:
        """Shape of the network."""
        config = self.upsampler.network.config
        return f"learned upsampler alone, {config.frames} frames, {config.blocks} blocks of {config.channels} channels"

    def identity(self) -> dict[str, Any]:
        """Return hashes of its files and the engine's version; raises `ModelError`."""
        _ = self.upsampler  # a missing file is one sentence
        hashes = {name: sha256(self.folder / name) for name in (UPSAMPLER_CONFIG, UPSAMPLER_WEIGHTS)}
        return {"files": hashes, "engine": __version__}

    def restore(self, low: Path, target: Path, control: Control) -> float:
        """Enlarge every frame among its neighbours."""
        upsampler = self.upsampler
        before = time.process_time()
        clip, made = to_tensor(read_pictures(low)), []
        for window in clip[neighbours(len(clip), upsampler.frames)].split(1):
            control.check()
            made.append(to_pictures(upsampler(window, EVALUATION_SCALE)))
        save_pictures(np.concatenate(made), target)
        return time.process_time() - before


def prior(text: str) -> Prior:
    """Parse a word of ``--priors``: ``[HEADING=]DIR``, the folder of an upsampler or of a model that has one, or its name."""
    heading, place = split_heading(text)
    folder = installed_folders().get(place, Path(place))
    return Prior(heading or "prior", folder / UPSAMPLER_FOLDER if (folder / UPSAMPLER_FOLDER).is_dir() else folder)
