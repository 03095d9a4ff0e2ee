"""Which unit is taken next, for one process and for several."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcvsr_engine.jobs.claims import TakingOrder, urgency
from dcvsr_engine.jobs.manifest import Unit


def units(*needs: tuple[int, ...], frames: int = 10) -> list[Unit]:
    return [Unit(id=place, first=0, last=frames - 1, needs=needed) for place, needed in enumerate(needs)]


CHAIN, BRICKS = units((), (0,), (1,)), units((), (0, 2), (), (2, 4), ())


def next_unit(some: list[Unit], owner: str, others: set[str], but: Collection[int] = ()) -> int | None:
    return TakingOrder(some).next_unit(some, owner, others, but)


def change(some: list[Unit], index: int, **changes: object) -> list[Unit]:
    return [unit.replace(**changes) if unit.id == index else unit for unit in some]


@pytest.mark.parametrize("some, order", [(CHAIN, [0, 1, 2]), (BRICKS, [0, 2, 1, 4, 3])])
def test_alone_units_are_taken_in_the_order_of_the_frames_each_after_those_it_needs(some, order):
    taken = []
    while (index := next_unit(some, "a", set())) is not None:
        taken.append(index)
        some = change(some, index, owner="a")
    assert taken == order


def test_what_needs_anothers_unit_waits_for_it():
    some = change(CHAIN, 0, owner="a", state="begun")
    assert next_unit(some, "b", {"a"}) is None
    assert next_unit(change(CHAIN, 0, state="finished"), "b", {"a"}) == 1
    assert next_unit(some, "b", set()) == 0  # its owner is dead


def test_what_is_too_large_for_one_is_left_to_others():
    some = units((), (), (0,))
    assert next_unit(some, "a", {"b"}, but={0}) == 1
    assert next_unit(change(some, 1, owner="b", state="begun"), "a", {"b"}, but={0}) is None
    assert next_unit(change(change(some, 1, state="finished"), 0, state="finished"), "a", {"b"}, but={0}) == 2


def test_the_longest_row_comes_first_where_there_are_several():
    some = [*units((), ()), *(unit.replace(id=unit.id + 2, needs=tuple(n + 2 for n in unit.needs)) for unit in CHAIN)]
    assert urgency(some) == {0: 10, 1: 10, 2: 30, 3: 20, 4: 10}
    assert next_unit(some, "a", {"b"}) == 2 and next_unit(some, "a", set()) == 0


def test_the_largest_comes_first_where_there_are_several():
    some = [Unit(id=place, first=0, last=last) for place, last in enumerate((9, 29, 19))]
    taken = []
    while (index := next_unit(some, "a", {"b"})) is not None:
        taken.append(index)
        some = change(some, index, state="finished")
    assert taken == [1, 2, 0]


def test_what_another_has_only_taken_ahead_is_taken_from_it_at_the_end():
    some = change(change(units((), ()), 0, owner="a", state="begun"), 1, owner="a")
    assert next_unit(some, "b", {"a"}) == 1
    assert next_unit(change(some, 0, state="finished"), "b", {"a"}) is None  # it is about to begin it


@given(st.integers(1, 4), st.integers(0, 2**32), st.sampled_from([CHAIN, BRICKS, units((), (), (), (1,))]))
def test_all_units_are_done_once_by_any_number_of_processes_of_which_some_die(workers, seed, some):
    import random

    chance, names, done = random.Random(seed), [f"w{n}" for n in range(workers)], []
    for _ in range(200):
        name = chance.choice(names)
        mine = [unit for unit in some if unit.owner == name and unit.state != "finished"]
        if mine and chance.random() < 0.5:
            done.append(mine[0].id)
            some = change(some, mine[0].id, state="finished", owner=None)
        elif not mine and (index := next_unit(some, name, set(names) - {name})) is not None:
            assert all(some[need].state == "finished" for need in some[index].needs)
            some = change(some, index, owner=name, state="begun")
        elif chance.random() < 0.05:
            names = [other for other in names if other != name] + [f"{name}again"]
    while (index := next_unit(some, "last", set())) is not None:
        done.append(index)
        some = change(some, index, state="finished")
    assert sorted(done) == [unit.id for unit in some]
