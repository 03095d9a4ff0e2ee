"""Tells what a folder or file of the user is: a declared model, a full folder, a U-Net alone, or a base. Torch-free."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import catalogue
from dcvsr_engine.models.headers import read_headers
from dcvsr_engine.models.shapes import (
    SVD_UNET,
    SVD_VAE,
    TIME_EMBEDDING,
    check_unet,
    is_unet,
    read_config,
    unet_facts,
    what_it_looks_like,
)
from dcvsr_engine.network.declaration import FILE, SVD_TIME_IDS, UNET_FOLDERS, Declaration
from dcvsr_engine.network.first_stage import AUTOENCODER, first_stage_of
from dcvsr_engine.network.layout import check_layers, subfolder, weight_files
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER, upsampler_config

Found = Literal["declared", "full", "unet", "base"]
MODEL_PARTS = (*UNET_FOLDERS, "vae", "image_encoder", "feature_extractor", "scheduler")
TEXT_SUFFIXES = {".json", ".txt", ".md"}
PICKLE_SUFFIXES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
ASSUMED = ("condition_scaled", "condition_noise", "added_time_ids", "image_embedding", "unconditional")
"""Conventions that neither weights nor shapes show."""
SCHEDULER = {"prediction_type": ("epsilon", "v_prediction"), "timestep_type": ("discrete", "continuous")}
"""Entries of a scheduler's config: diffusers' default, and SVD's value."""


@dataclass(frozen=True)
class Recognised:
    """A model that can be imported.

    Attributes:
        kind: declared by its own ``dcvsr.json``; full; a U-Net alone; or a base without a U-Net of its own.
        name: the name that it brings.
        files: path of each file, by its name in the model's folder.
        declaration: its conventions; ``None`` for a base.
        config: the ``config.json`` that a U-Net's file lacks, or empty.
    """

    kind: Found
    name: str
    files: dict[str, Path] = field(hash=False)
    declaration: Declaration | None
    config: dict[str, Any] = field(default_factory=dict, hash=False)


def recognise(path: Path) -> Recognised:
    """Tell what a folder or file is, from names, configs and headers alone.

    Args:
        path: a folder in diffusers' layout, with or without ``dcvsr.json``; a U-Net's folder; or a ``.safetensors`` file.

    Raises:
        ModelError: it is not a model of this kind, or it is incomplete or damaged.
    """
    found = recognise_folder(path) if path.is_dir() else recognise_file(path)
    for file in found.files.values():
        if file != path and not belongs_to(file, path if path.is_dir() else path.parent):
            raise ModelError(f"{file} is a link to a file elsewhere, which is not copied; put the file itself in its place.")
    return found


def belongs_to(path: Path, folder: Path) -> bool:
    """Whether a file lies in a model's folder, links followed; the hub's own cache keeps files beside it and links to them."""
    caches = [parent.parent / "blobs" for parent in (folder.absolute(), *folder.absolute().parents) if parent.name == "snapshots"]
    return any(path.resolve().is_relative_to(root.resolve()) for root in (folder, *caches))


def recognise_file(path: Path) -> Recognised:
    """Tell what a single file is; see `recognise`."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise pickle_error(path)
    if path.suffix.lower() != ".safetensors":
        raise ModelError(f"{path} is no model: give a folder in diffusers' layout or a .safetensors file.")
    if not path.is_file():
        raise ModelError(f"{path} does not exist.")
    return recognise_unet(
        path.parent, [path], own_name(path.parent) if path.parent.name in UNET_FOLDERS else folder_name(path.stem)
    )


def recognise_folder(folder: Path) -> Recognised:
    """Tell what a folder is; see `recognise`."""
    if (folder / FILE).is_file():
        return recognise_declared(folder)
    if folder.name in UNET_FOLDERS or not any((folder / part).is_dir() for part in MODEL_PARTS):
        return recognise_unet(folder, weights_in(folder), own_name(folder))
    name, unet = own_name(folder), next((part for part in UNET_FOLDERS if (folder / part).is_dir()), None)
    if not (folder / "vae").is_dir():
        if unet is None:
            raise ModelError(f"{folder} holds neither a U-Net nor an autoencoder (vae).")
        return recognise_unet(folder / unet, weights_in(folder / unet), name)
    weights_in(folder / "vae")
    if unet is None or name in {entry.name for entry in catalogue() if entry.kind == "base"}:
        return Recognised("base", name, dict(files_of(folder, parts_with(None))), None)
    config = checked_config(folder / unet, weights_in(folder / unet))
    return Recognised(
        "full",
        name,
        dict(files_of(folder, parts_with(unet))),
        assumed_conventions(name, config, read_config(folder / "vae" / "config.json"), noise_range(folder), base=""),
    )


def parts_with(unet: str | None) -> tuple[str, ...]:
    """The folders that belong to a model: of its U-Nets only the one that is loaded."""
    return tuple(part for part in MODEL_PARTS if part not in UNET_FOLDERS or part == unet)


def recognise_declared(folder: Path) -> Recognised:
    """Examine a folder with a ``dcvsr.json``: weights and configs must fit it. Raises `ModelError`."""
    declaration = Declaration.from_folder(folder)
    unet = subfolder(folder, UNET_FOLDERS)
    checked_config(unet, weights_in(unet))
    first_stage = first_stage_of(declaration)
    if first_stage.scales_file and not (folder / first_stage.scales_file).is_file():
        raise ModelError(f"The model in {folder} is incomplete: {first_stage.scales_file} is missing.")
    if first_stage.weights_folder and not declaration.base:
        weights_in(folder / first_stage.weights_folder)
    parts = parts_with(unet.name)
    if upsampler_config(declaration.upsampler, folder) is not None:
        weights_in(folder / UPSAMPLER_FOLDER)
        parts = (*parts, UPSAMPLER_FOLDER)
    return Recognised("declared", folder_name(declaration.name or own_name(folder)), dict(files_of(folder, parts)), declaration)


def recognise_unet(folder: Path, weights: list[Path], name: str) -> Recognised:
    """Examine a U-Net alone, which is laid over Stable Video Diffusion. Raises `ModelError`."""
    lacks_config = not (folder / "config.json").is_file()
    if lacks_config:
        tensors = read_headers(weights)
        if not is_unet(tensors):
            raise ModelError(f"{weights[0]} is {what_it_looks_like(tensors)}.")
        if any(SVD_UNET[fact] != found for fact, found in unet_facts(tensors).items()):
            raise ModelError(f"{weights[0]} is no U-Net of Stable Video Diffusion's size; its config.json is needed beside it.")
        config = SVD_UNET
    else:
        config = checked_config(folder, weights)
    files = {f"unet/{path.name if len(weights) > 1 else weights_name(path)}": path for path in weights}
    if not lacks_config:
        files["unet/config.json"] = folder / "config.json"
    base = next(entry.name for entry in catalogue() if entry.kind == "base")
    sigmas = noise_range(folder.parent) if folder.name in UNET_FOLDERS else {}
    return Recognised(
        "unet", name, files, assumed_conventions(name, config, SVD_VAE, sigmas, base), config if lacks_config else {}
    )


def weights_name(path: Path) -> str:
    """The name that diffusers gives a network's only file."""
    return f"diffusion_pytorch_model{path.suffix}"


def checked_config(folder: Path, weights: list[Path]) -> dict[str, Any]:
    """Read the config of a U-Net's folder and compare it with the shapes of the weights; raises `ModelError`."""
    config = read_config(folder / "config.json")
    check_unet(read_headers(weights), config, folder)
    return SVD_UNET | config  # what a config leaves out is diffusers' default


def noise_range(folder: Path) -> dict[str, float]:
    """The noise range in a model's ``scheduler_config.json``, by the names in `Declaration`; empty without a scheduler.

    Raises:
        ModelError: the network predicts something else, or hears of the noise level in another way, than SVD's.
    """
    path = folder / "scheduler" / "scheduler_config.json"
    if not path.is_file() or not belongs_to(path, folder):  # `recognise` refuses a link that leads out
        return {}
    config = read_config(path)
    for name, (default, needed) in SCHEDULER.items():
        found = config.get(name, default)
        if found != needed:
            raise ModelError(
                f"{path} has the {name} “{found}”; this program samples with “{needed}”, as Stable Video Diffusion does."
            )
    sigmas = {name: config.get(name) for name in ("sigma_min", "sigma_max")}
    if not all(isinstance(sigma, int | float) and not isinstance(sigma, bool) and sigma > 0 for sigma in sigmas.values()):
        raise ModelError(f"{path} does not say between which noise levels the model was trained (sigma_min and sigma_max).")
    return {name: float(sigma) for name, sigma in sigmas.items() if sigma is not None}


def assumed_conventions(
    name: str, config: dict[str, Any], vae: dict[str, Any], sigmas: dict[str, float], base: str
) -> Declaration:
    """Declare a U-Net that came without ``dcvsr.json``: what its configs say, and SVD's conventions, marked as assumed.

    Args:
        name: what the model is called.
        config: of the U-Net, with diffusers' defaults filled in.
        vae: config of the autoencoder.
        sigmas: its `noise_range`.
        base: the model that the U-Net is laid over, or empty.

    Raises:
        ModelError: U-Net and autoencoder do not fit together.
    """
    if not isinstance(vae.get("block_out_channels"), list):
        raise ModelError(f"The config.json of the autoencoder of “{name}” does not describe one.")
    channels, latent = (config["in_channels"], config["out_channels"]), vae.get("latent_channels", SVD_VAE["latent_channels"])
    if channels != (2 * latent, latent):
        raise ModelError(
            f"The U-Net of “{name}” has {channels[0]} input and {channels[1]} output channels, which does not fit an "
            f"autoencoder of {latent}; a {FILE} that declares its first stage is needed."
        )
    ids = config["projection_class_embeddings_input_dim"] // config.get("addition_time_embed_dim", TIME_EMBEDDING)
    return Declaration(
        name=name,
        title=name,
        first_stage=AUTOENCODER,
        factor=2 ** (len(vae["block_out_channels"]) - 1),
        multiple=2 ** (len(config["block_out_channels"]) - 1),
        added_time_ids=SVD_TIME_IDS[:ids] + (0.0,) * (ids - 3),
        window=config["num_frames"],
        base=base,
        assumed=ASSUMED,
    ).replace(**sigmas)


def weights_in(folder: Path) -> list[Path]:
    """List the `weight_files` of a network and check their headers, and that its config is plausible; raises `ModelError`."""
    files = weight_files(folder)
    if not files:
        pickles = [path.name for path in sorted(folder.glob("*")) if path.suffix.lower() in PICKLE_SUFFIXES]
        if pickles:
            raise pickle_error(folder / pickles[0])
        raise ModelError(f"{folder} holds no model: there is no .safetensors file.")
    check_layers(
        folder, read_config(folder / "config.json") if (folder / "config.json").exists() else {}, len(read_headers(files))
    )
    return files


def files_of(folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every file that belongs to a model: plain texts, and the weights of its parts; never pickles."""
    for path in sorted(folder.glob("*")):
        if path.is_file() and (path.suffix.lower() in TEXT_SUFFIXES or path.name.upper().startswith("LICENSE")):
            yield path.name, path
    for part in parts:
        inside = sorted((folder / part).glob("*"))
        weights = weights_in(folder / part) if any(path.suffix == ".safetensors" for path in inside) else []
        for path in inside:
            if path in weights or (path.is_file() and path.suffix.lower() in TEXT_SUFFIXES):
                yield f"{part}/{path.name}", path


def pickle_error(path: Path) -> ModelError:
    """The reason why a pickle is refused."""
    return ModelError(f"{path} is a pickle, which can run code when it is opened; get the model as safetensors.")


def own_name(folder: Path) -> str:
    """The name that a folder gives its model; a U-Net's folder is named after its parent."""
    folder = folder.resolve()
    return folder_name(folder.parent.name if folder.name in UNET_FOLDERS else folder.name)


def folder_name(text: str) -> str:
    """Turn ``text`` into a name that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", text).strip(".-") or "model"
