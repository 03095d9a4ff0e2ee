"""What a chosen model declares, for the panels. Without Qt, and without loading it."""

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import AUTOENCODER
from dcvsr_engine.network.installed import find


def declared(model: str) -> Declaration:
    """What a model declares, or usual values when it cannot be read: the engine reports what is wrong."""
    try:
        return Declaration.from_folder(find(model))
    except ModelError:
        return Declaration(name=model, title=model, first_stage=AUTOENCODER, factor=8, multiple=8)
