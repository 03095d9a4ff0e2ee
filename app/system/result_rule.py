"""Where results go and what they are called, as the user has it for all clips. Without Qt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dcvsr_engine.jobs.naming import DEFAULT_PATTERN, names_for, result_names
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.planning.sizes import decided_size


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

    def suggest(
        self,
        request: JobRequest,
        model: Declaration,
        size: tuple[int, int] = (1, 1),
        taken: Iterable[Path] = (),
        below: Path = Path(),
        losses: Mapping[str, int] = MappingProxyType({}),
    ) -> Path:
        """The first name that neither exists nor is ``taken`` by another job.

        Args:
            request: names source, size and codec.
            model: what restores.
            size: (width, height) in pixels of the clip, where it is known.
            taken: names that others will need.
            below: folders that the clip was found in.
            losses: how badly the container of each suffix keeps the clip's tracks, where that is known.
        """
        taken, label = set(taken), decided_size(request.settings.size, model.scale, size)
        names = names_for(
            request.source,
            label,
            request.output.codec,
            losses,
            pattern=self.pattern,
            folder=self.folder_for(below),
            model=request.settings.model,
        )
        return next(name for name in names if name not in taken and not name.exists())

    def is_done(self, source: Path, below: Path = Path()) -> bool:
        """Whether a result of a clip, of whatever size, is where its results go."""
        folder, form = self.folder_for(below) or source.parent, result_names(self.pattern)
        name = source.name if source.is_dir() else source.stem
        if not folder.is_dir():
            return False
        stems = (path.name if path.is_dir() else path.stem for path in folder.iterdir() if path != source)
        return any((match := form.fullmatch(stem)) and match["stem"] == name for stem in stems)
