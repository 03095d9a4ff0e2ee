"""Which branches a step evaluates, and when the two of them differ."""

import pytest

from dcvsr_engine.diffusion.branch import Branch, branches_of, is_distinct
from dcvsr_engine.network.declaration import Declaration

C, U, P = Branch(), Branch(conditional=False), Branch(identity=True)
D = Branch(conditional=False, gamma=0.7)


@pytest.mark.parametrize(
    "mode, scale, gamma, distinct, expected",
    [
        ("none", 2.0, 0.7, True, (C,)),
        ("cfg", 1.0, 0.7, True, (C,)),
        ("cfg", 2.0, 0.7, True, (C, U)),
        ("cfg", 2.0, 0.7, False, (C,)),
        ("dssag", 2.0, 0.7, True, (C, D)),
        ("dssag", 2.0, 0.7, False, (C, D)),
        ("dssag", 2.0, 0.0, True, (C, U)),
        ("dssag", 2.0, 0.0, False, (C,)),
        ("pag", 2.0, 0.7, True, (C, U, P)),
        ("pag", 2.0, 0.7, False, (C, P)),
    ],
)
def test_branches_that_are_evaluated(mode, scale, gamma, distinct, expected):
    assert branches_of(mode, scale, gamma, distinct) == expected


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, False),  # the image embedding is dropped, but it is zeros anyway
        ({"image_embedding": "first-frame"}, True),
        ({"unconditional": ("condition",)}, True),
        ({"unconditional": ()}, False),
        ({"unconditional": (), "image_embedding": "first-frame"}, False),
    ],
)
def test_branches_differ_where_the_model_drops_something_that_is_there(changes, expected):
    assert is_distinct(Declaration(name="tiny", title="Tiny", first_stage="vae", factor=2, multiple=2, **changes)) == expected


def test_a_branch_keeps_its_keys_while_gamma_changes():
    assert D.slot == U != C and Branch(degraded=True).slot != C
