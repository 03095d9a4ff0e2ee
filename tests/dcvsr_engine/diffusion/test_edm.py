"""Preconditioning against diffusers' v-prediction and the definitions."""

import math

import pytest
import torch

from dcvsr_engine.diffusion.edm import euler_step, precondition


@pytest.mark.parametrize("sigma", [0.002, 0.5, 1.0, 20.0, 700.0])
def test_coefficients_are_those_of_the_definition(sigma):
    c = precondition(torch.tensor(sigma))
    expected = 1 / math.sqrt(sigma**2 + 1), math.log(sigma) / 4, 1 / (sigma**2 + 1), -sigma / math.sqrt(sigma**2 + 1)
    assert (float(c.c_in), float(c.c_noise), float(c.c_skip), float(c.c_out)) == pytest.approx(expected, rel=1e-5)


def test_the_exact_velocity_gives_the_exact_picture():
    picture, noise, sigma = torch.randn(5), torch.randn(5), torch.tensor(3.0)
    x, c = picture + sigma * noise, precondition(sigma)
    velocity = (x - picture) / (sigma * torch.sqrt(sigma**2 + 1)) - sigma * picture / torch.sqrt(sigma**2 + 1)
    torch.testing.assert_close(c.c_skip * x + c.c_out * velocity, picture, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(euler_step(x, picture, 3.0, 2.0), picture + 2 * noise)
    assert torch.equal(euler_step(x, picture, 3.0, 0.0), picture)
