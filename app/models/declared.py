"""What a chosen model declares, for the panels. Without Qt, and without loading it."""

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.registry import declaration_of
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import AUTOENCODER


def declared(model: str) -> Declaration:
    """What a model declares, or usual values when it cannot be read: the engine reports what is wrong."""
    try:
        return declaration_of(model)
    except ModelError:
        return Declaration(name=model, title=model, first_stage=AUTOENCODER, factor=8, multiple=8)
