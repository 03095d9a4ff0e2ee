"""The search for conventions, on tiny networks that were trained with known ones."""

import networks
import pytest
import torch
import torch.nn.functional as F

from dcvsr_engine.cli import main
from dcvsr_engine.control import Control
from dcvsr_engine.diffusion.edm import precondition
from dcvsr_engine.errors import InputError, OutputError, SettingsError
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.research.evaluation import conventions as search
from dcvsr_engine.research.evaluation.clips import Clip, Preparation, prepare_clip
from dcvsr_engine.research.evaluation.conventions import (
    Convention,
    Finding,
    ProbeClip,
    Trial,
    candidate_conventions,
    condition_scale,
    encode_probe_clip,
    find_conventions,
)
from dcvsr_engine.research.evaluation.probe_command import finding_to_text, time_ids, write_declaration
from dcvsr_engine.research.pictures import save_pictures
from dcvsr_engine.resources import resource

SVD = Convention(False, "zeros", (6.0, 127.0, 0.0))
ONE_LEVEL = {
    "block_out_channels": (64,),  # with 32, a channel per group, normalisation would remove all that time ids do
    "down_block_types": ("DownBlockSpatioTemporal",),
    "up_block_types": ("UpBlockSpatioTemporal",),
    "num_attention_heads": (1,),
}
EMBEDDING = 3 * torch.randn(1, 1, networks.EMBEDDING, generator=torch.Generator().manual_seed(9))


@pytest.fixture(autouse=True)
def few_ids(monkeypatch):
    """Ids that lie far apart: a network of a thousand weights does not tell 0.02 from 0."""
    monkeypatch.setattr(search, "TIME_IDS", ((6.0, 127.0, 0.0), (7.0, 127.0, 0.02), (24.0, 127.0, 0.0)))


@pytest.fixture
def model():
    """A model that pays attention to its time ids and embedding."""
    made = networks.model()
    made.unet = networks.unet(**ONE_LEVEL)
    made.unet.add_embedding.linear_1.weight.mul_(4)
    made.unet.add_embedding.linear_2.weight.mul_(4)
    for name, parameter in made.unet.named_parameters():
        if "attn2.to_out.0.weight" in name:
            parameter.mul_(6)
    return made


def synthetic(model, seed):
    """Smooth latents and a noisy condition."""
    generator = torch.Generator().manual_seed(seed)
    target = F.interpolate(torch.randn(2, networks.CHANNELS, 4, 4, generator=generator), size=(8, 8), mode="bilinear")
    return ProbeClip(target, target / condition_scale(model) + 0.5 * torch.randn(target.shape, generator=generator), EMBEDDING)


def train(model, clips, convention, dropped=0):
    """Train the last layer, in closed form: ridge regression of the EDM objective on what the random layers before it give.

    Of every two clips, one comes without its condition where ``dropped`` is 2.
    """
    unet, generator = model.unet, torch.Generator().manual_seed(1)
    inputs, targets = [], []

    def keep(module, arguments):
        patches = F.unfold(arguments[0], 3, padding=1).transpose(1, 2).flatten(0, 1)
        inputs.append(F.pad(patches, (0, 1), value=1.0))

    hook = unet.conv_out.register_forward_pre_hook(keep)
    for number, clip in enumerate(clips):
        sigma = torch.exp(1.2 * torch.randn((), generator=generator) + 0.8)
        c = precondition(sigma)
        noisy = clip.target + sigma * torch.randn(clip.target.shape, generator=generator)
        condition = clip.condition * (condition_scale(model) if convention.condition_scaled else 1)
        condition = torch.zeros_like(condition) if dropped and number % dropped else condition
        embedding = EMBEDDING if convention.image_embedding == "first-frame" else torch.zeros_like(EMBEDDING)
        sample = torch.cat([c.c_in * noisy, condition], 1)[None]
        unet(sample, c.c_noise, encoder_hidden_states=embedding, added_time_ids=torch.tensor([convention.added_time_ids]))
        targets.append(((clip.target - c.c_skip * noisy) / c.c_out).flatten(2).transpose(1, 2).flatten(0, 1))
    hook.remove()
    a, b = torch.cat(inputs), torch.cat(targets)
    weights = torch.linalg.solve(a.T @ a + torch.eye(a.shape[1]), a.T @ b)
    unet.conv_out.weight.copy_(weights[:-1].T.reshape(unet.conv_out.weight.shape))
    unet.conv_out.bias.copy_(weights[-1])


def test_the_convention_that_a_network_was_trained_with_is_found(model):
    trained = Convention(True, "first-frame", (7.0, 127.0, 0.02))
    train(model, [synthetic(model, seed) for seed in range(24)], trained)
    declared = model.declaration
    found = find_conventions(
        model, [synthetic(model, seed) for seed in (500, 501)], candidate_conventions(model, True), 1, Control()
    )
    assert found.convention == trained and model.declaration == declared
    assert set(found.decided) == {"condition_scaled", "image_embedding", "added_time_ids"}
    assert len(found.trials) == 20 and found.trials[-1].error > 2 * found.trials[0].error


@pytest.mark.parametrize(("dropped", "expected"), [(2, ("condition",)), (0, None)])
def test_a_network_that_was_trained_without_its_condition_is_told_from_one_that_was_not(model, dropped, expected):
    train(model, [synthetic(model, seed) for seed in range(48)], SVD, dropped)
    found = find_conventions(model, [synthetic(model, seed) for seed in (500, 501, 502)], [SVD], 2, Control())
    assert found.unconditional == expected
    assert found.found.get("unconditional") == expected


def test_the_command_probes_a_folder_and_declares_what_it_found(model, moving, tmp_path, capsys):
    folder, data = tmp_path / "tiny", tmp_path / "data"
    for parameter in model.first_stage.vae.quant_conv.parameters():
        parameter.mul_(20)  # latents of unit deviation, as a trained autoencoder's
    for place in range(8):
        save_pictures(moving[:2, 8 * place :, 12 * place :], (tmp_path / "train" if place % 4 else data) / f"clip {place}")
    clips = [
        encode_probe_clip(model, prepare_clip(path.name, path, Preparation(2, 0, (32, 32), "mild"), tmp_path / "made"), None)
        for path in sorted((tmp_path / "train").iterdir())
    ]
    train(model, clips, SVD)
    model.unet.save_pretrained(folder / "unet")
    model.first_stage.vae.save_pretrained(folder / "vae")
    declared = networks.declaration(name="tiny", condition_scaled=True, assumed=("condition_scaled", "image_embedding"))
    (folder / "dcvsr.json").write_text(declared.to_json())
    words = ["models", "probe", str(folder), "--data", str(data), "--degradation", "mild", "--frames", "2", "--crop", "32x32"]
    words += ["--device", "cpu", "--precision", "fp32", "--draws", "1", "--write"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "Found: condition_scaled=False" in printed and "← declared" in printed
    changed = Declaration.from_folder(folder)
    assert not changed.condition_scaled and changed.assumed == ("image_embedding",)


def trial(convention, *errors):
    return Trial(convention, errors)


def test_what_cannot_be_told_apart_stays_as_declared(tmp_path):
    other = Convention(False, "zeros", (7.0, 127.0, 0.02))
    scaled = Convention(True, "zeros", (6.0, 127.0, 0.0))
    close, far = trial(SVD, 1.01, 1.99, 3.02, 4.0), trial(scaled, 2.0, 4.1, 6.0, 8.2)
    best = trial(other, 1.0, 2.0, 3.0, 4.0)
    assert far.is_worse_than(best) and not close.is_worse_than(best) and not best.is_worse_than(close)
    found = Finding((best, close, far), SVD, ("condition_scaled",))
    text = finding_to_text(found, networks.declaration())
    assert "condition_scaled=False" in text and "as good as the best, declared" in text
    assert "Undecided, or only one value tried: image_embedding, added_time_ids, condition_noise." in text


def test_declarations_change_only_where_something_was_found(tmp_path):
    declared = networks.declaration(assumed=("condition_scaled", "added_time_ids"))
    (tmp_path / "dcvsr.json").write_text(declared.to_json())
    assert "is written" in write_declaration(tmp_path, Finding((trial(SVD, 1.0),), SVD, ("condition_scaled",)))
    assert Declaration.from_folder(tmp_path).assumed == ("added_time_ids",)
    assert "already" in write_declaration(tmp_path, Finding((trial(SVD, 1.0),), SVD, ()))
    with pytest.raises(OutputError, match="built in"):
        write_declaration(resource("models", "compact"), Finding((trial(SVD, 1.0),), SVD, ()))


def test_bad_options_are_one_sentence(model, moving, tmp_path, capsys):
    with pytest.raises(SettingsError, match="Time ids"):
        time_ids("6,x")
    save_pictures(moving, tmp_path / "clip")
    with pytest.raises(InputError, match="undamaged"):
        encode_probe_clip(model, Clip("clip", tmp_path / "clip", None), None)
    assert main(["models", "probe", "nonesuch"]) == 2 and "nonesuch" in capsys.readouterr().err
