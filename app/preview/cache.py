"""Pictures kept in bounded memory. Without Qt.

Own code rather than cachetools' `LRUCache`: that one refuses a value larger than the capacity, and has no lock.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """The most recently used values that fit into ``capacity`` bytes; safe to use from several threads.

    A value larger than the whole capacity is kept alone, so that there is always something to show.
    """

    def __init__(self, capacity: int, size: Callable[[V], int]) -> None:
        self.capacity = capacity
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes in use."""
        return self._bytes

    def get(self, key: K) -> V | None:
        """The value, which counts as used now."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; the least recently used ones give way."""
        with self._lock:
            self._drop(key)
            self._values[key] = value
            self._bytes += self._size(value)
            while self._bytes > self.capacity and len(self._values) > 1:
                self._drop(next(iter(self._values)))

    def discard(self, unwanted: Callable[[K], bool]) -> None:
        """Forget every value whose key is ``unwanted``."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                self._drop(key)

    def __iter__(self) -> Iterator[K]:
        """The keys of what is kept now, the least recently used first."""
        with self._lock:
            # a copy: other threads change the cache meanwhile
            return iter(list(self._values))

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def _drop(self, key: K) -> None:
        if key in self._values:
            self._bytes -= self._size(self._values.pop(key))
