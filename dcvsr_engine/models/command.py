"""``dcvsr models …``: its actions and what they do. Torch-free."""

import argparse
import dataclasses
import getpass
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models import store
from dcvsr_engine.models.catalogue import Entry, catalogue, entry_of, with_bases
from dcvsr_engine.models.importing import check_name, import_model
from dcvsr_engine.models.known import KnownModel, known_bases, known_models
from dcvsr_engine.network.installed import user_models

DESCRIPTION = "List, download, import, verify and remove models."
COLUMN = 12
INTERVAL = 0.2


AddAction = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_arguments(parser: argparse.ArgumentParser) -> AddAction:
    """Add the actions; each may be followed by ``--json`` too. Returns a function that adds another: name, act, help."""
    parser.set_defaults(act=list_models)
    actions = parser.add_subparsers(metavar="action")

    def action(name: str, act: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for machines")
        return sub

    action("list", list_models, "List the models there are (also without an action).")
    action("catalogue", list_catalogue, "List the models that are to be had: what they are, their size and their licence.")
    sub = action("import", import_, "Add a model: a folder in diffusers' layout, a U-Net alone, or a .safetensors file.")
    sub.add_argument("path", type=Path)
    sub.add_argument("--name", default="", help="what to call it (default: its own name)")
    sub.add_argument("--base", default="", help="the model that a U-Net alone is laid over (default: Stable Video Diffusion)")
    sub = action("download", download, "Fetch a model of the catalogue, and its base; a download that broke off goes on.")
    sub.add_argument("name", metavar="MODEL")
    sub.add_argument("--for-training", action="store_true", help="with the base's own U-Net, which restoring does not need")
    sub.add_argument("--accept-licence", action="store_true", help="accept the licence that is shown, without being asked")
    sub = action("token", token, "Give or forget the token that says to the hub who you are; it is kept in the system's keyring.")
    sub.add_argument("--forget", action="store_true", help="remove it")
    sub = action("verify", verify, "Compare models' files with their hashes.")
    sub.add_argument("names", nargs="*", metavar="MODEL", help="which (default: all)")
    sub = action("remove", remove, "Delete a model that was added.")
    sub.add_argument("name", metavar="MODEL")
    sub = action("default", default, "Choose the model to restore with when none is named, or say which it is.")
    sub.add_argument("name", metavar="MODEL", nargs="?")
    action("folder", folder, "Say where added models are kept.")
    return action


def run(options: argparse.Namespace) -> int:
    """Do what the options say; 0, or 1 when verification found damage. Raises `UserError`."""
    code: int = options.act(options)
    return code


def say(options: argparse.Namespace, value: Any, text: str) -> None:
    """Print a value for machines or its text for people."""
    print(json.dumps(value, ensure_ascii=False) if options.json else text)


# -- lists ------------------------------------------------------------------------------------------------------


def list_models(options: argparse.Namespace) -> int:
    """``dcvsr models list``."""
    models = known_models() + known_bases()
    say(options, {model.name: facts(model) for model in models}, "\n".join(map(description, models)))
    return 0


def facts(model: KnownModel) -> dict[str, Any]:
    """A model for machines: what it declares, and what is known of it here."""
    declared = model.declaration.to_dict() if model.declaration else {}
    here = {"folder": str(model.folder), "problem": model.problem, "is_base": model.is_base}
    return declared | here | {"bytes": model.size, "is_default": model.name == store.default_model()}


def description(model: KnownModel) -> str:
    """A model for people."""
    declared = model.declaration
    if model.is_base:
        rows = ["A base for other models; it restores nothing by itself."]
    elif declared is None:
        rows = [f"Damaged: {model.problem}"]
    else:
        steps = "one step" if declared.steps == 1 else f"{declared.steps} steps"
        rows = [f"{declared.title}: ×{declared.scale}, {steps}, guidance {declared.guidance}", declared.description]
        rows += [f"Licence: {declared.license or 'not declared'}"]
        rows += [f"Assumed, not known: {', '.join(declared.assumed)}"] if declared.assumed else []
        rows += [f"Cannot be used: {model.problem}"] if model.problem else []
    if model.name == store.default_model():
        rows.append("Used when no model is named.")
    return paragraph(model.name, rows)


def paragraph(name: str, rows: list[str]) -> str:
    """A name with its rows beside it, or below it where it is long."""
    head = f"{name:<{COLUMN}}" if len(name) < COLUMN else f"{name}\n{'':<{COLUMN}}"
    return head + f"\n{'':<{COLUMN}}".join(row for row in rows if row)


def list_catalogue(options: argparse.Namespace) -> int:
    """``dcvsr models catalogue``."""
    there = {model.name for model in known_models() + known_bases()}
    values = [dataclasses.asdict(entry) | {"installed": entry.name in there} for entry in catalogue()]
    say(options, values, "\n".join(offer(entry, entry.name in there) for entry in catalogue()))
    return 0


def offer(entry: Entry, there: bool) -> str:
    """A catalogue entry for people."""
    rows = [f"{entry.title}{' – installed' if there else ''}", entry.summary]
    rows += [f"Size: about {gigabytes(entry.size)}" + (f" ({entry.size_note})" if entry.size_note else "")] if entry.size else []
    rows += [f"Memory: about {gigabytes(entry.memory)} ({entry.memory_note})"] if entry.memory else []
    if begun := store.unfinished(entry.name):
        rows.append(f"{begun[0] / max(1, begun[1]):.0%} downloaded; “dcvsr models download {entry.name}” goes on.")
    rows += [" ".join(part for part in (f"Licence: {entry.licence}.", entry.licence_summary, entry.licence_url) if part)]
    gate = " (asks for a token)" if entry.gated else ""
    rows += [f"From: {entry.repository}{gate}. {entry.repository_note}".rstrip()] if entry.repository else []
    return paragraph(entry.name, rows)


def gigabytes(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"


# -- actions ----------------------------------------------------------------------------------------------------


class BytesLine:
    """One line on a terminal that says how many bytes are done; silent where there is no terminal."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show progress, a few times a second."""
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._drawn > INTERVAL:
            self._drawn = now
            print(f"\r\x1b[K{done / 2**20:,.0f} of {total / 2**20:,.0f} MB  {what}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def import_(options: argparse.Namespace) -> int:
    """``dcvsr models import``."""
    line = BytesLine()
    try:
        model = import_model(options.path, options.name, options.base, line)
    finally:
        line.clear()
    say(options, {model.name: facts(model)}, f"Added.\n{description(model)}" + hint(model))
    return 0


def download(options: argparse.Namespace) -> int:
    """``dcvsr models download``."""
    from dcvsr_engine.models.download import TokenNeeded, hub  # the hub's library takes half a second
    from dcvsr_engine.models.tokens import token_for

    wanted = entry_of(options.name).for_training() if options.for_training else entry_of(options.name)
    if not wanted.can_be_downloaded:
        raise ModelError(f"“{wanted.name}” is not downloaded: {wanted.summary}")
    check_name(wanted.name)
    entries = with_bases(wanted, [model.name for model in known_bases() + known_models()])
    for entry in entries:
        accept(entry, options)
    for entry in entries:
        try:
            model = fetch(entry, token_for(hub()))
        except TokenNeeded as error:
            if not sys.stdin.isatty():
                raise TokenNeeded(f"{error} “dcvsr models token” asks for it; HF_TOKEN is used, too.") from None
            print(error, file=sys.stderr)
            model = fetch(entry, ask_token())
        say(options, {model.name: facts(model)}, f"Added.\n{description(model)}" + hint(model))
    return 0


def fetch(entry: Entry, token: str | None) -> KnownModel:
    """Download an entry with a line of progress."""
    from dcvsr_engine.models.download import download as fetch_entry

    line = BytesLine()
    try:
        return fetch_entry(entry, token, line)
    finally:
        line.clear()


def accept(entry: Entry, options: argparse.Namespace) -> None:
    """Show a licence and ask whether it is accepted; raises `ModelError` when not."""
    print(offer(entry, False), file=sys.stderr if options.json else sys.stdout)
    if options.accept_licence:
        return
    if not sys.stdin.isatty():
        raise ModelError(f"Read the licence of “{entry.name}”, and say --accept-licence when you accept it.")
    print(f"Do you accept the licence of “{entry.name}”? Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise ModelError(f"“{entry.name}” is not downloaded, as its licence is not accepted.")


def ask_token() -> str:
    """Have a token typed, unseen, and keep it where the system keeps secrets."""
    from dcvsr_engine.models.download import hub
    from dcvsr_engine.models.tokens import keep_token

    given = getpass.getpass(f"Token for {hub()} (nothing is shown): ").strip()
    if not given:
        raise ModelError("No token was given.")
    if not keep_token(hub(), given):
        print("This system has no keyring: the token is used for now and not kept.", file=sys.stderr)
    return given


def token(options: argparse.Namespace) -> int:
    """``dcvsr models token``."""
    from dcvsr_engine.models.download import hub
    from dcvsr_engine.models.tokens import forget_token, has_keyring

    if options.forget:
        forget_token(hub())
        say(options, {"kept": False}, "The token is forgotten.")
    elif not has_keyring():
        raise ModelError(
            "This system has no keyring to keep a token in; set HF_TOKEN, or download in a terminal and give it there."
        )
    else:
        ask_token()
        say(options, {"kept": True}, "The token is kept in the system's keyring.")
    return 0


def hint(model: KnownModel) -> str:
    """What to do about conventions that are only assumed."""
    if model.declaration is None or not model.declaration.assumed:
        return ""
    return f"\nSome conventions stand at Stable Video Diffusion's: “dcvsr models probe {model.name} --write” finds out which fit."


def verify(options: argparse.Namespace) -> int:
    """``dcvsr models verify``."""
    models = [store.added(name) for name in options.names] or known_models() + known_bases()
    line, found = BytesLine(), {}
    for model in models:
        found[model.name] = store.verify(model, line)
    line.clear()
    rows = [f"{name}: {'; '.join(problems) or 'as it was when it was added.'}" for name, problems in found.items()]
    say(options, found, "\n".join(rows))
    return int(any(found.values()))


def remove(options: argparse.Namespace) -> int:
    """``dcvsr models remove``."""
    store.remove(options.name)
    say(options, {"removed": options.name}, f"“{options.name}” is removed.")
    return 0


def default(options: argparse.Namespace) -> int:
    """``dcvsr models default``."""
    if options.name:
        store.set_default(options.name)
    name = store.default_model()
    say(options, {"default": name}, name)
    return 0


def folder(options: argparse.Namespace) -> int:
    """``dcvsr models folder``."""
    say(options, {"folder": str(user_models())}, str(user_models()))
    return 0
