"""Presets: built-in ones and the user's own, which are JSON files. Without Qt."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import SettingsError, UserError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import FEWER_EVALUATIONS, PAPER_SETTINGS, RestoreSettings
from dcvsr_engine.storage import read_json, write_json

KEPT = ("model", "device", "precision", "tile_batch", "compile", "seed")
"""Settings that a preset does not change: model, device and how it computes, and noise."""

PresetValues = dict[str, Any]


@dataclass(frozen=True)
class BuiltIn:
    """A preset that comes with the program.

    Attributes:
        name, doc: as the window shows them.
        values: what it sets for a model; everything else takes its default.
        suits: whether it does for a model what ``doc`` says.
    """

    name: str
    doc: str
    values: Callable[[Declaration], PresetValues]
    suits: Callable[[Declaration], bool] = lambda model: True


def is_fastest(model: Declaration) -> bool:
    """Whether a model does by itself all that is left out to be fast."""
    return (model.steps, model.guidance, model.tiling) == (1, "none", "fast")


def is_guided(model: Declaration) -> bool:
    """Whether a model was made for guidance: at a scale of 1 it does nothing."""
    return model.guidance_scale > 1


def paper_values(model: Declaration) -> PresetValues:
    """What the paper describes, for a model."""
    # longer windows than a network was trained with spoil its picture
    return PAPER_SETTINGS | {"window": min(14, model.window)}


BUILT_IN = (
    BuiltIn("Balanced", "What the model's makers recommend.", lambda model: {}),
    BuiltIn(
        "Fast",
        "Half the steps, no guidance and little overlap of tiles: several times faster, less detail.",
        lambda model: {
            "steps": max(1, model.steps // 2),
            "guidance": "none",
            "guidance_scale": 1.0,
            "tiling": "fast",
            "sap_schedule": "cached",
        },
        lambda model: not is_fastest(model),
    ),
    BuiltIn(
        "Paper",
        "As the paper describes it: 25 steps, half-overlapping tiles, exact attention propagation. The slowest.",
        paper_values,
    ),
    BuiltIn(
        "Paper, quicker",
        "The paper's tiles and propagation with fewer steps, guidance in some of them only, and deep features reused.",
        lambda model: paper_values(model) | FEWER_EVALUATIONS,
    ),
    BuiltIn(
        "Heavy degradation",
        "For very blurred, blocky or noisy clips: detail stays suppressed for longer and more frames are shared.",
        lambda model: {"guidance": "dssag", "gamma_rho": 0.25, "tap": True, "tap_frames": 6},
        is_guided,
    ),
    BuiltIn(
        "Animation",
        "For drawn video: detail stays suppressed for longer, colours are matched as a whole.",
        lambda model: {"guidance": "dssag", "gamma_rho": 0.25, "color": "adain"},
        is_guided,
    ),
)


def preset_values(settings: RestoreSettings) -> PresetValues:
    """The part of the settings that presets hold."""
    return {name: value for name, value in settings.to_dict().items() if name not in KEPT}


def with_values(settings: RestoreSettings, values: PresetValues) -> RestoreSettings:
    """``settings`` changed by a preset: its ``values``, and defaults for what it does not name."""
    return settings.replace(**(preset_values(RestoreSettings()) | values))


class Presets:
    """The built-in presets and those in a folder.

    Attributes:
        problems: what is wrong with each file that could not be read, by its name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: dict[str, str] = {}
        self._own: dict[str, tuple[Path, PresetValues]] = {}
        self.reload()

    def reload(self) -> None:
        """Read the folder again."""
        self._own, self.problems = {}, {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                name, values = read_preset(path)
                self._own[name] = path, values
            except (OSError, UserError) as error:
                self.problems[path.stem] = str(error)

    @property
    def own(self) -> list[str]:
        """Names of the user's presets."""
        return list(self._own)

    def names(self, model: Declaration) -> list[str]:
        """Names of all presets for a model, the built-in ones first."""
        return [preset.name for preset in BUILT_IN if preset.suits(model)] + self.own

    def apply(self, name: str, settings: RestoreSettings, model: Declaration) -> RestoreSettings:
        """``settings`` changed by a preset for a model; raises `KeyError` for an unknown preset."""
        built_in = next((preset for preset in BUILT_IN if preset.name == name), None)
        return with_values(settings, built_in.values(model) if built_in else self._own[name][1])

    def match(self, settings: RestoreSettings, model: Declaration, first: str = "") -> str | None:
        """The preset that would give just these settings, with this model; of several, ``first`` if it is one of them."""
        # resolved: a value that equals the model's default counts as left open
        wanted = model.resolve(settings)
        names = sorted(self.names(model), key=lambda name: name != first)
        return next((name for name in names if model.resolve(self.apply(name, settings, model)) == wanted), None)

    def save(self, name: str, settings: RestoreSettings) -> None:
        """Save ``settings`` as the user's preset ``name``.

        Raises:
            SettingsError: the name is empty or a built-in preset's.
            OSError: it cannot be written.
        """
        name = name.strip()
        if not name or name in [preset.name for preset in BUILT_IN]:
            raise SettingsError("A preset needs a name of its own; choose one that is not built in.")
        # a preset that is saved again keeps its file
        path = self._own[name][0] if name in self._own else free_path(self._folder, name)
        write_json(path, {"name": name, "settings": preset_values(settings)})
        self.reload()

    def remove(self, name: str) -> None:
        """Delete one of the user's presets; raises `KeyError` or `OSError`."""
        self._own[name][0].unlink()
        self.reload()


def free_path(folder: Path, name: str) -> Path:
    """An unused file name for a preset."""
    stem = re.sub(r"\W+", "-", name).strip("-").lower() or "preset"
    stems = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(path for path in (folder / f"{stem}.json" for stem in stems) if not path.exists())


def read_preset(path: Path) -> tuple[str, PresetValues]:
    """Name and values of a preset's file; raises `OSError` or `SettingsError`."""
    try:
        content = read_json(path)
        name, values = str(content["name"]), content["settings"]
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not a preset; remove it or save the preset again.") from None
    return name, preset_values(RestoreSettings.from_dict(values))
