"""TrainingState of training – weights, their moving average (EMA), optimiser – and its file, which resumes at the exact batch.

The EMA is own code, while diffusers has ``EMAModel`` (``diffusers.training_utils``): that holds no names of weights and counts
its own steps, and a run is to resume from one file with the same numbers; the warm-up of the decay is the same as there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from dcvsr_engine.errors import JobError
from dcvsr_engine.storage import partial_path, put_in_place


class TrainingState:
    """Weights under training with their moving average and optimiser.

    Attributes:
        weights: trained parameters by name.
        ema: moving average of each.
        optimizer: of the weights.
        iteration: optimiser steps done.
        part: batches since then, whose gradients are accumulated.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer) -> None:
        self.weights = {name: value for name, value in network.named_parameters() if value.requires_grad}
        self.ema = {name: value.detach().clone() for name, value in self.weights.items()}
        self.optimizer = optimizer
        self.iteration, self.part = 0, 0

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """Move the average towards the weights; the decay starts low, as in diffusers' ``EMAModel``, because they move fast."""
        decay = min(decay, (1 + self.iteration) / (10 + self.iteration))
        # one call for all weights, in place of one for each of hundreds
        torch._foreach_lerp_(list(self.ema.values()), list(self.weights.values()), 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Use the averaged weights inside."""
        # exact copies: averaging back would round
        own = {name: value.detach().clone() for name, value in self.weights.items()}
        self.assign(self.ema)
        try:
            yield
        finally:
            self.assign(own)

    @torch.no_grad()
    def assign(self, values: dict[str, Tensor]) -> None:
        """Set the weights by name."""
        for name, value in self.weights.items():
            value.copy_(values[name])

    def save(self, path: Path, others: dict[str, Tensor]) -> None:
        """Write the file under a temporary name, then rename it.

        Args:
            path: of the file.
            others: what else a run goes on from, by name: sums of the log, an adversary.
        """
        tensors = others | {"iteration": torch.tensor(self.iteration), "part": torch.tensor(self.part)}
        for name, value in self.weights.items():
            tensors |= {f"unet.{name}": value, f"ema.{name}": self.ema[name]}
            tensors |= {f"optimizer.{name}.{key}": moment for key, moment in self.optimizer.state.get(value, {}).items()}
            # between optimiser steps gradients are a part of the state
            if self.part and value.grad is not None:
                tensors[f"gradient.{name}"] = value.grad
        path.parent.mkdir(exist_ok=True)
        partial = partial_path(path)
        save_file({name: value.detach().contiguous() for name, value in tensors.items()}, partial)
        put_in_place(partial, path)

    def load(self, path: Path) -> dict[str, Tensor]:
        """Read everything from a file.

        Returns:
            All tensors of the file by name; see `save`.

        Raises:
            JobError: the file is damaged or belongs to another network.
        """
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise JobError(f"{path} is damaged ({error}); start again in another folder.") from None
        shapes = {name: value.shape for name, value in self.weights.items()}
        if shapes != {name[5:]: value.shape for name, value in tensors.items() if name.startswith("unet.")}:
            raise JobError(f"{path} belongs to another network than the recipe's; choose another folder, or that run's recipe.")
        self.assign({name: tensors[f"unet.{name}"] for name in self.weights})
        for name, value in self.weights.items():
            self.ema[name].copy_(tensors[f"ema.{name}"])
            prefix = f"optimizer.{name}."
            moments = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
            if moments:
                self.optimizer.state[value] = {key: laid_out_as(value, moment) for key, moment in moments.items()}
            if f"gradient.{name}" in tensors:
                value.grad = tensors[f"gradient.{name}"].to(value.device)
        self.iteration, self.part = int(tensors["iteration"]), int(tensors.get("part", 0))
        return dict(tensors)


def laid_out_as(weight: Tensor, moment: Tensor) -> Tensor:
    """Return a moment on the device and in the memory format of its ``weight``; counts, of another shape, stay as they are.

    AdamW counts its steps on the processor, and sums in another memory format would round differently after a resume.
    """
    return torch.empty_like(weight).copy_(moment) if moment.shape == weight.shape else moment
