"""The adversary: learns to tell pictures apart, teaches through them alone, and goes on exactly."""

import pytest
import torch

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.research.training.adversary import PAIR, Adversary, Critic
from dcvsr_engine.research.training.recipe import TrainingPhase


def pairs(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Restored pairs with a faint weave, true ones, and what they were enlarged from."""
    generator = torch.Generator().manual_seed(seed)
    enlarged = torch.rand(2, PAIR, 3, 4, 4, generator=generator).repeat_interleave(4, 3).repeat_interleave(4, 4)
    weave = 0.05 * torch.tensor([1.0, -1.0]).repeat(8)
    return enlarged + weave, enlarged + 0.01 * torch.randn(enlarged.shape, generator=generator), enlarged


def test_the_critic_learns_to_see_a_faint_pattern_and_pictures_learn_to_lose_it() -> None:
    adversary = Adversary(4, 2e-3, 0, torch.device("cpu"))
    before = adversary.loss(*pairs(99)).item()
    for seed in range(40):
        adversary.loss(*pairs(seed)).backward()
        adversary.learn()
    assert adversary.loss(*pairs(99)).item() < 0.5 * before
    restored, _, enlarged = pairs(99)
    moved = restored.clone().requires_grad_(True)
    adversary.fooled(moved, enlarged).backward()
    weave = restored - enlarged
    assert (moved.grad * weave).sum() > 0, "descent makes the pattern fainter"


def test_the_border_is_judged_as_what_is_inside() -> None:
    logits = Critic(3, 4)(torch.full((1, 3, 32, 32), 0.7))
    torch.testing.assert_close(logits, logits[..., 16:17, 16:17].expand_as(logits))


def test_fooling_the_critic_does_not_train_it() -> None:
    adversary = Adversary(4, 1e-3, 0, torch.device("cpu"))
    restored, truth, enlarged = pairs(0)
    adversary.fooled(restored.requires_grad_(True), enlarged).backward()
    assert restored.grad is not None
    assert all(weight.grad is None and weight.requires_grad for weight in adversary.critic.parameters())
    adversary.loss(restored, truth, enlarged).backward()
    assert all(weight.grad is not None for weight in adversary.critic.parameters())


def test_a_restored_adversary_goes_on_as_the_first_would() -> None:
    first, second = Adversary(4, 1e-3, 0, torch.device("cpu")), Adversary(4, 1e-3, 1, torch.device("cpu"))
    for seed in range(2):
        first.loss(*pairs(seed)).backward()
        first.learn()
    second.restore({name: value.clone() for name, value in first.tensors().items()})
    for adversary in (first, second):
        adversary.loss(*pairs(5)).backward()
        adversary.learn()
    assert all(torch.equal(value, second.tensors()[name]) for name, value in first.tensors().items())


@pytest.mark.parametrize("values", [{"frames": 1, "size": 32}, {"frames": 3, "size": 36}])
def test_a_phase_that_gives_the_critic_nothing_to_see_is_refused(values) -> None:
    with pytest.raises(SettingsError, match="adversarial needs"):
        TrainingPhase(iterations=1, adversarial=1.0, **values)
