"""Rules of the house that no linter knows: see dcvsr_engine/architecture.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("dcvsr_engine/**/*.py")])
SHARED_NAMES = 6
"""How many module-level names may mean something in two modules or more."""
TENSOR_PACKAGES = ("diffusion", "network", "restore", "tiling")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters(function: Function) -> set[str]:
    """Names of what a function is given; not of the object that a method belongs to, nor PyAV's packets and frames.

    PyAV has no other way to time a packet or tag a stream than to set its attributes.
    """
    args = function.args
    names = {
        arg.arg
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]
        if not (arg.annotation and ast.unparse(arg.annotation).startswith(("av.", "Packet[")))
    }
    return names - {"self", "cls"}


def assigned(node: ast.AST) -> list[ast.expr]:
    """What a statement assigns to."""
    match node:
        case ast.Assign():
            targets = node.targets
        case ast.AugAssign() | ast.AnnAssign():
            targets = [node.target]
        case ast.Delete():
            targets = node.targets
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, *_]):
            return [ast.Attribute(target, "?")]
        case _:
            return []
    return [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]


def reaches_into(function: Function) -> Iterator[tuple[int, str]]:
    """Line and parameter of every assignment to an attribute of an argument."""
    given = parameters(function)
    for node in ast.walk(function):
        for target in assigned(node):
            place = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(place, ast.Attribute):
                owner = place.value
                while isinstance(owner, ast.Attribute | ast.Subscript):
                    owner = owner.value
                if isinstance(owner, ast.Name) and owner.id in given:
                    yield getattr(node, "lineno", function.lineno), owner.id


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(a): a.b = 1", ["a"]),
        ("def f(a): a.b.c[0] += 1", ["a"]),
        ("def f(a): setattr(a, 'b', 1)", ["a"]),
        ("def f(*, a): a.b, c = 1, 2", ["a"]),
        ("class C:\n def f(self, a): self.b = a", []),
        ("def f(a): b = a; b.c = 1; a[0] = 2", []),
    ],
)
def test_the_rule_sees_what_it_forbids(source, found):
    assert [name for function in functions(ast.parse(source)) for _, name in reaches_into(function)] == found


def test_nothing_assigns_to_an_attribute_of_an_object_that_it_was_given():
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in MODULES
        for function in functions(tree_of(path))
        for line, name in reaches_into(function)
    ]
    assert not found


def public_names(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines at its top level for others."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        else:
            names = [target.id for target in assigned(node) if isinstance(target, ast.Name)]
        yield from (name for name in names if not name.startswith("_") and name != "log")


def test_a_name_means_one_thing():
    places = defaultdict(list)
    for path in MODULES:
        for name in set(public_names(tree_of(path))):
            places[name].append(str(path.relative_to(ROOT)))
    shared = {name: where for name, where in sorted(places.items()) if len(where) > 1}
    assert len(shared) <= SHARED_NAMES, shared


def takes_tensors(function: Function) -> bool:
    args = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return any(arg.annotation is not None and "Tensor" in ast.unparse(arg.annotation) for arg in args)


def has_shapes(function: Function) -> bool:
    """Whether a docstring gives a shape such as ``(frames, 3, height, width)``, or says where it is given."""
    text = ast.get_docstring(function) or ""
    return bool(re.search(r"``\([^`]*\)``|any shape|[Ss]haped like|See `", text))


@pytest.mark.parametrize("package", TENSOR_PACKAGES)
def test_public_functions_state_the_shapes_of_tensors(package):
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in sorted((ROOT / "dcvsr_engine" / package).glob("*.py"))
        for function in functions(tree_of(path))
        if not function.name.startswith("_") and takes_tensors(function) and not has_shapes(function)
    ]
    assert not found


def test_first_stages_are_told_apart_by_their_specification_alone():
    """Nothing outside the network package asks for one by name; see `network.first_stage`."""
    found = [
        str(path.relative_to(ROOT)) for path in MODULES if path.parent.name != "network" and '"haar"' in path.read_text("utf-8")
    ]
    assert not found


def test_functions_are_short():
    lengths = sorted(f.end_lineno - f.lineno + 1 for path in MODULES for f in functions(tree_of(path)))
    assert lengths[len(lengths) // 2] <= 7
    assert lengths[len(lengths) * 99 // 100] <= 40
