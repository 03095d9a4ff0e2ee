"""The specifications of first stages agree with the first stages."""

import networks

from dcvsr_engine.network.checkpoint import load
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.first_stage import AUTOENCODER, HAAR, SPECS, VAE, first_stage_of
from dcvsr_engine.network.vae import VaeFirstStage

COMPACT = Declaration.from_folder
AUTO = Declaration(name="svd", title="SVD", first_stage=AUTOENCODER, factor=8, multiple=8)


def test_the_compact_model_declares_the_transform(tiny_model):
    model = load(tiny_model, tiny_model, "cpu", "fp32")
    spec = first_stage_of(model.declaration)
    assert spec is HAAR
    assert (spec.latent_channels, spec.condition_channels) == (24, 24)
    assert (model.first_stage.latent_channels, model.first_stage.condition_channels) == (24, 24)
    assert (tiny_model / spec.scales_file).is_file()


def test_the_autoencoder_has_the_channels_of_its_specification():
    stage = VaeFirstStage(networks.vae(), False)
    assert first_stage_of(AUTO) is VAE
    assert (VAE.latent_channels, VAE.condition_channels) == (stage.latent_channels, stage.condition_channels)


def test_every_first_stage_that_can_be_declared_has_a_specification():
    for kind, spec in SPECS.items():
        assert first_stage_of(AUTO.replace(first_stage=kind)) is spec


def test_only_whole_frames_follow_the_network_to_a_cuda_device():
    assert [HAAR.pixel_device(device) for device in ("cuda", "mps", "cpu")] == ["cuda", "cpu", "cpu"]
    assert [VAE.pixel_device(device) for device in ("cuda", "mps", "cpu")] == ["cpu"] * 3


def test_frames_are_decoded_together_as_far_as_the_stage_gains_from_it():
    assert VAE.frames_together(10**9) == VAE.window == 14
    assert HAAR.frames_together(64 * 48) == 14
    assert HAAR.frames_together(1280 * 720) == 6
    assert HAAR.frames_together(10**9) == 1


def test_only_a_temporal_decoder_needs_context():
    assert [VAE.margin(frames) for frames in (1, 2, 7, 8, 14)] == [0, 1, 3, 4, 4] and VAE.decoded_frames(14) == 22
    assert HAAR.margin(14) == 0 and HAAR.decoded_frames(14) == 14


def test_a_decoder_takes_memory_by_tiles():
    whole = VAE.decoder_bytes(64, 64, 8, 2)
    assert whole == 8 * 128 * 512 * 512 * 2
    assert VAE.decoder_bytes(640, 640, 8, 2) == whole and VAE.decoder_bytes(32, 64, 8, 2) == whole // 2
    assert HAAR.decoder_bytes(640, 640, 4, 4) == 0
