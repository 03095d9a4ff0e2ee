"""From a model's name to its networks. The one module of this package that needs torch."""

from dcvsr_engine.models.registry import base_folder, model_folder, tiny_decoder_file
from dcvsr_engine.models.verification import check_files
from dcvsr_engine.network.checkpoint import Model, load
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.settings import Precision


def load_model(name: str, device: str = "auto", precision: Precision = "auto") -> Model:
    """Find a model, compare its files with the hashes that it declares, and load it.

    Args:
        name: a model's name, or the path of its folder.
        device: where to compute.
        precision: number format to compute in.

    Raises:
        ModelError: it is missing, incomplete or damaged, or the device is not available.
    """
    folder = model_folder(name)
    declaration = Declaration.from_folder(folder)
    check_files(folder, declaration.sha256)
    return load(folder, base_folder(folder, declaration), device, precision, tiny_decoder_file())
