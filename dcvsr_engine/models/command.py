"""``dcvsr models …``: its actions and what they do. Torch-free."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import CatalogueEntry, catalogue, entry_of, with_bases
from dcvsr_engine.models.importing import check_name, import_model
from dcvsr_engine.models.registry import KnownModel, default_model, known_bases, known_models, model_named, set_default
from dcvsr_engine.models.store import remove_model, unfinished_download
from dcvsr_engine.models.verification import verify_model
from dcvsr_engine.paths import models_folder
from dcvsr_engine.progress import BytesProgress
from dcvsr_engine.terminal import print_out, printable

COLUMN = 12
"""Width of the names in lists."""

AddAction = Callable[..., argparse.ArgumentParser]
"""Adds an action by its name, the function that runs it, its help, and further arguments of the parser."""


def add_model_actions(parser: argparse.ArgumentParser) -> AddAction:
    """Add the actions of ``dcvsr models``; each may be followed by ``--json`` too.

    Returns:
        A function that adds one more action.
    """
    parser.set_defaults(act=list_models)
    actions = parser.add_subparsers(metavar="action")

    def action(name: str, act: Callable[[argparse.Namespace], int] | None, text: str, **extra: Any) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text, **extra)
        sub.set_defaults(act=act)
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for machines")
        return sub

    action("list", list_models, "List the installed models (also without an action).")
    action("catalogue", list_catalogue, "List the models that can be downloaded: what they are, their size and their licence.")
    action("folder", print_folder, "Print the folder of added models.")
    add_transfers(action)
    add_management(action)
    return action


def add_transfers(action: AddAction) -> None:
    """Add the actions that bring models here."""
    sub = action("import", import_from_path, "Add a model: a folder in diffusers' layout, a U-Net alone, or a .safetensors file.")
    sub.add_argument("path", type=Path)
    sub.add_argument("--name", default="", help="what to call it (default: its own name)")
    sub.add_argument("--base", default="", help="the model that a U-Net alone is laid over (default: Stable Video Diffusion)")
    sub = action("download", download_with_base, "Download a model of the catalogue and its base, or continue a download.")
    sub.add_argument("name", metavar="MODEL")
    sub.add_argument("--for-training", action="store_true", help="with the base's own U-Net, which restoring does not need")
    sub.add_argument("--accept-licence", action="store_true", help="accept the licence that is shown, without being asked")
    sub = action("token", manage_token, "Enter or forget your access token for the hub; the system's keyring keeps it.")
    sub.add_argument("--forget", action="store_true", help="remove it")


def add_management(action: AddAction) -> None:
    """Add the actions on installed models."""
    sub = action("verify", verify_named, "Compare the files of models with their hashes.")
    sub.add_argument("names", nargs="*", metavar="MODEL", help="which (default: all)")
    sub = action("remove", remove_named, "Delete an added model.")
    sub.add_argument("name", metavar="MODEL")
    sub = action("default", choose_default, "Choose the model to restore with when none is named, or print which it is.")
    sub.add_argument("name", metavar="MODEL", nargs="?")


def run_model_action(options: argparse.Namespace) -> int:
    """Run the action that ``options`` name; 0, or 1 when verification found damage. Raises `UserError`."""
    code: int = options.act(options)
    return code


def print_result(options: argparse.Namespace, value: Any, text: str) -> None:
    """Print a value as JSON when ``options`` ask for it, else its text."""
    print_out(json.dumps(value) if options.json else printable(text))


# -- lists ------------------------------------------------------------------------------------------------------


def list_models(options: argparse.Namespace) -> int:
    """``dcvsr models list``."""
    models = known_models() + known_bases()
    print_result(options, {model.name: model_facts(model) for model in models}, "\n".join(map(model_text, models)))
    return 0


def model_facts(model: KnownModel) -> dict[str, Any]:
    """Describe a model for machines: its declaration, and its state on this computer."""
    declared = model.declaration.to_dict() if model.declaration else {}
    here = {"folder": str(model.folder), "problem": model.problem, "is_base": model.is_base}
    return declared | here | {"bytes": model.size, "is_default": model.name == default_model()}


def model_text(model: KnownModel) -> str:
    """Describe a model for users."""
    declared = model.declaration
    if model.is_base:
        rows = ["A base of other models; it restores nothing by itself."]
    elif declared is None:
        rows = [f"Damaged: {model.problem}"]
    else:
        steps = "one step" if declared.steps == 1 else f"{declared.steps} steps"
        rows = [f"{declared.title}: ×{declared.scale}, {steps}, guidance {declared.guidance}", declared.description]
        rows += [f"Licence: {declared.license or 'not declared'}"]
        rows += [f"Assumed, not declared: {', '.join(declared.assumed)}"] if declared.assumed else []
        rows += [f"Cannot be used: {model.problem}"] if model.problem else []
    if model.name == default_model():
        rows.append("Used when no model is named.")
    return paragraph(model.name, rows)


def paragraph(name: str, rows: list[str]) -> str:
    """Put rows beside a name, or below it where it is long."""
    head = f"{name:<{COLUMN}}" if len(name) < COLUMN else f"{name}\n{'':<{COLUMN}}"
    return head + f"\n{'':<{COLUMN}}".join(row for row in rows if row)


def list_catalogue(options: argparse.Namespace) -> int:
    """``dcvsr models catalogue``."""
    installed = {model.name for model in known_models() + known_bases()}
    values = [entry.to_dict() | {"installed": entry.name in installed} for entry in catalogue()]
    print_result(options, values, "\n".join(entry_text(entry, entry.name in installed) for entry in catalogue()))
    return 0


def entry_text(entry: CatalogueEntry, installed: bool) -> str:
    """Describe a catalogue entry for users."""
    rows = [f"{entry.title}{' – installed' if installed else ''}", entry.summary]
    rows += [f"Size: about {gigabytes(entry.size)}" + (f" ({entry.size_note})" if entry.size_note else "")] if entry.size else []
    rows += [f"Memory: about {gigabytes(entry.memory)} ({entry.memory_note})"] if entry.memory else []
    if begun := unfinished_download(entry.name):
        rows.append(f"{begun[0] / max(1, begun[1]):.0%} downloaded; “dcvsr models download {entry.name}” continues.")
    rows += [" ".join(part for part in (f"Licence: {entry.licence}.", entry.licence_summary, entry.licence_url) if part)]
    gate = " (needs a token)" if entry.gated else ""
    rows += [f"From: {entry.repository}{gate}. {entry.repository_note}".rstrip()] if entry.repository else []
    return paragraph(entry.name, rows)


def gigabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"


# -- actions ----------------------------------------------------------------------------------------------------


def import_from_path(options: argparse.Namespace) -> int:
    """``dcvsr models import``."""
    with closing(BytesProgress(sys.stderr)) as progress:
        model = import_model(options.path, options.name, options.base, progress)
    print_added(options, model)
    return 0


def download_with_base(options: argparse.Namespace) -> int:
    """``dcvsr models download``."""
    wanted = entry_of(options.name).for_training() if options.for_training else entry_of(options.name)
    if not wanted.can_be_downloaded:
        raise ModelError(f"“{wanted.name}” is not downloaded: {wanted.summary}")
    check_name(wanted.name)
    entries = with_bases(wanted, [model.name for model in known_bases() + known_models()])
    for entry in entries:
        ask_for_licence(entry, options)
    for entry in entries:
        print_added(options, download_with_token(entry))
    return 0


def download_with_token(entry: CatalogueEntry) -> KnownModel:
    """Download an entry; where the hub needs a token and this is a terminal, ask for it and try again."""
    from dcvsr_engine.models.download import download  # the hub's library takes half a second to import
    from dcvsr_engine.models.hub import TokenNeeded, hub
    from dcvsr_engine.models.tokens import token_for

    with closing(BytesProgress(sys.stderr)) as progress:
        try:
            return download(entry, token_for(hub()), progress)
        except TokenNeeded as error:
            if not sys.stdin.isatty():
                raise TokenNeeded(f"{error} Enter it with “dcvsr models token”; the hub itself also gets HF_TOKEN.") from None
            progress.close()
            print(error, file=sys.stderr)
            return download(entry, ask_token(), progress)


def print_added(options: argparse.Namespace, model: KnownModel) -> None:
    """Say that a model was added, and what to do about conventions that are only assumed."""
    text = f"Added.\n{model_text(model)}"
    if model.declaration is not None and model.declaration.assumed:
        text += f"\nSome conventions are only assumed: “dcvsr models probe {model.name} --write” tests them."
    print_result(options, {model.name: model_facts(model)}, text)


def ask_for_licence(entry: CatalogueEntry, options: argparse.Namespace) -> None:
    """Show a licence and ask whether it is accepted; raises `ModelError` when not."""
    # standard output is for the JSON alone
    print(printable(entry_text(entry, False)), file=sys.stderr if options.json else sys.stdout)
    if options.accept_licence:
        return
    if not sys.stdin.isatty():
        raise ModelError(f"Read the licence of “{entry.name}”, and add --accept-licence when you accept it.")
    print(f"Do you accept the licence of “{entry.name}”? Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise ModelError(f"“{entry.name}” is not downloaded, because its licence was not accepted.")


def ask_token() -> str:
    """Let the user type a token, unseen, and keep it in the system's keyring."""
    from dcvsr_engine.models.hub import hub
    from dcvsr_engine.models.tokens import keep_token

    given = getpass.getpass(f"Token for {hub()} (not shown): ").strip()
    if not given:
        raise ModelError("No token was entered.")
    if not keep_token(hub(), given):
        print("This system has no keyring: the token is used now and not kept.", file=sys.stderr)
    return given


def manage_token(options: argparse.Namespace) -> int:
    """``dcvsr models token``."""
    from dcvsr_engine.models.hub import hub
    from dcvsr_engine.models.tokens import forget_token, has_keyring

    if options.forget:
        forget_token(hub())
        print_result(options, {"kept": False}, "The token is forgotten.")
    elif not has_keyring():
        raise ModelError(
            "This system has no keyring to keep a token in; set HF_TOKEN, or download in a terminal and enter it there."
        )
    else:
        ask_token()
        print_result(options, {"kept": True}, "The token is kept in the system's keyring.")
    return 0


def verify_named(options: argparse.Namespace) -> int:
    """``dcvsr models verify``."""
    models = [model_named(name) for name in options.names] or known_models() + known_bases()
    with closing(BytesProgress(sys.stderr)) as progress:
        found = {model.name: verify_model(model, progress) for model in models}
    rows = [f"{name}: {'; '.join(problems) or 'unchanged since it was added.'}" for name, problems in found.items()]
    print_result(options, found, "\n".join(rows))
    return int(any(found.values()))


def remove_named(options: argparse.Namespace) -> int:
    """``dcvsr models remove``."""
    remove_model(options.name)
    print_result(options, {"removed": options.name}, f"“{options.name}” is removed.")
    return 0


def choose_default(options: argparse.Namespace) -> int:
    """``dcvsr models default``."""
    if options.name:
        set_default(options.name)
    name = default_model()
    print_result(options, {"default": name}, name)
    return 0


def print_folder(options: argparse.Namespace) -> int:
    """``dcvsr models folder``."""
    print_result(options, {"folder": str(models_folder())}, str(models_folder()))
    return 0
