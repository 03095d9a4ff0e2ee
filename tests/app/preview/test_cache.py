from hypothesis import given
from hypothesis import strategies as st

from app.preview.cache import ByteCache


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=40))
def test_memory_stays_bounded_and_is_counted(puts):
    cache = ByteCache[int, bytes](100, len)
    for key, size in puts:
        cache.put(key, bytes(size))
        assert cache.bytes <= 100
        assert cache.bytes == sum(len(cache.get(kept) or b"") for kept in cache)
        assert key in cache


def test_the_least_recently_used_gives_way():
    cache = ByteCache[str, bytes](30, len)
    for key in "abc":
        cache.put(key, bytes(10))
    cache.get("a")
    cache.put("d", bytes(10))
    assert list(cache) == ["c", "a", "d"]
    assert cache.get("b") is None


def test_a_value_larger_than_the_memory_is_kept_alone():
    cache = ByteCache[str, bytes](30, len)
    cache.put("a", bytes(10))
    cache.put("b", bytes(50))
    assert list(cache) == ["b"]


def test_discard():
    cache = ByteCache[int, bytes](100, len)
    for key in range(4):
        cache.put(key, bytes(10))
    cache.discard(lambda key: key % 2 == 0)
    assert list(cache) == [1, 3]
    assert cache.bytes == 20
