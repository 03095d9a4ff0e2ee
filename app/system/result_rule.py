"""Where results go and what they are called, as the user has it for all clips. Without Qt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dcvsr_engine.jobs.naming import DEFAULT_PATTERN, names_for, result_names
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.sizes import decided_size


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a clip, on which the name of its result depends.

    Attributes:
        size: (width, height) in pixels; (1, 1) while it is not known.
        below: folders that the clip was found in.
        losses, unfit: how containers keep its tracks, see `video.tracks.ContainerFit`; empty while it is not known.
    """

    size: tuple[int, int] = (1, 1)
    below: Path = Path()
    losses: Mapping[str, int] = field(default_factory=dict)
    unfit: Mapping[str, list[str]] = field(default_factory=dict)

    def misfits(self, target: Path) -> list[str]:
        """Sentences on the tracks that do not fit into the container of a result."""
        suffix = target.suffix.lower()
        return self.unfit.get(ALIASES.get(suffix, suffix), [])


UNKNOWN = SourceFacts()
"""Of a clip that was not looked at yet."""
ALIASES = {".m4v": ".mp4"}
"""Suffixes whose container is another's, too."""


@dataclass(frozen=True)
class ResultRule:
    """How results are named that were not given a name one by one.

    Attributes:
        folder: where they go; beside their clips without one.
        pattern: their names, see `naming.checked_pattern`.
        keep_folders: whether ``folder`` gets the folders that a clip was found in below the one that was opened.
    """

    folder: Path | None = None
    pattern: str = DEFAULT_PATTERN
    keep_folders: bool = True

    def folder_for(self, below: Path) -> Path | None:
        """Where the result of a clip goes that was found in the folders ``below``; ``None`` for beside it."""
        return self.folder / below if self.folder and self.keep_folders else self.folder

    def suggest(self, request: JobRequest, model: Declaration, facts: SourceFacts = UNKNOWN, taken: Iterable[Path] = ()) -> Path:
        """The first name that neither exists nor is ``taken`` by another job.

        Args:
            request: names source, size and codec.
            model: what restores.
            facts: about the clip.
            taken: names that others will need.
        """
        taken, label = set(taken), decided_size(request.settings.size, model.scale, facts.size)
        names = names_for(
            request.source,
            label,
            request.output.codec,
            facts.losses,
            pattern=self.pattern,
            folder=self.folder_for(facts.below),
            model=request.settings.model,
        )
        return next(name for name in names if name not in taken and not name.exists())

    def results_of(self, source: Path, below: Path = Path()) -> list[Path]:
        """What is where a clip's results go and is called like one of them, of whatever size."""
        folder, form = self.folder_for(below) or source.parent, result_names(self.pattern)
        name = source.name if source.is_dir() else source.stem
        if not folder.is_dir():
            return []
        matches = [(path, form.fullmatch(path.name if path.is_dir() else path.stem)) for path in folder.iterdir()]
        return [path for path, match in matches if match and match["stem"] == name and path != source]
