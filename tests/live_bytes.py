"""Counts the bytes of live tensors while a network runs, on fake tensors of any size."""

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Context that observes how many bytes the results of operations hold at once, without a network's weights.

    Attributes:
        peak: most bytes observed.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.peak = 0
        self._alive = dict.fromkeys((weight.untyped_storage()._cdata for weight in network.parameters()), 0)

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = function(*arguments, **(options or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._alive:
            return
        self._alive[storage._cdata] = storage.nbytes()
        weakref.finalize(storage, self._alive.pop, storage._cdata, 0)
        self.peak = max(self.peak, sum(self._alive.values()))
