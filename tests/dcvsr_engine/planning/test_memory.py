"""Estimated memory: near what was counted and measured, and growing with what is done at once."""

from dataclasses import replace

import jobs
import networks
import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.registry import model_folder
from dcvsr_engine.models.shapes import SVD_UNET
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.network.device import DTYPES
from dcvsr_engine.network.first_stage import AUTOENCODER, FLOAT_PIXEL
from dcvsr_engine.network.upsampler_config import UpsamplerConfig, upsampler_config
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.memory import (
    CONTEXT_BYTES,
    HELD_PIXEL,
    MEMORY_SHARE,
    WAITING_PIXEL,
    NetworkSize,
    SegmentLoad,
    estimate_memory,
    with_batch,
)
from dcvsr_engine.planning.planner import division_of
from dcvsr_engine.settings import RestoreSettings
from dcvsr_engine.tiling.grid import TileGrid

SVD = NetworkSize(weights=3 * 2**30, channels=320, maps=27.4, attention_maps=13.0, key_share=1.0, item=2)
DECLARED = Declaration(name="svd", title="SVD", first_stage=AUTOENCODER, factor=8, multiple=8)
PAPER = DECLARED.resolve(RestoreSettings(device="cuda", precision="bf16"))
GIGABYTE = 2**30


def load_with(**changes):
    """A segment that becomes 1080p with SVD and the paper's settings."""
    settings = PAPER.replace(**changes)
    return SegmentLoad(settings, DECLARED, SVD, grid_for(56, 480, 270, DECLARED, settings), 480 * 270, 1920 * 1080)


def chosen(free: int, **changes):
    """What is chosen with so much memory beside the weights."""
    decided = with_batch(load_with(**changes), free)
    return decided.sap_schedule, decided.tile_batch, load_with(**changes).frames_at_once(free)


def test_what_fits_is_chosen():
    assert chosen(200 * GIGABYTE) == ("lockstep", 8, 14)
    assert chosen(60 * GIGABYTE)[0] == "staged" and 1 < chosen(60 * GIGABYTE)[1] <= 8
    assert chosen(6 * GIGABYTE) == ("two-pass", 2, 6)
    assert chosen(GIGABYTE) == ("two-pass", 1, 1)
    assert chosen(6 * GIGABYTE, tiling="fast")[0] == "cached"
    assert chosen(GIGABYTE, sap_schedule="lockstep", tile_batch=3)[:2] == ("lockstep", 3)


@pytest.mark.parametrize(("free", "offload", "frames"), [(60, False, 14), (8, True, 5)])
def test_the_u_net_makes_room_for_decoding_where_memory_is_short(free, offload, frames):
    load = load_with(sap_schedule="two-pass", tile_batch=1)
    _, estimate = estimate_memory(load, free * GIGABYTE, free * GIGABYTE)
    assert (estimate.offload, estimate.decode_frames) == (offload, frames)
    assert estimate.device_memory <= free * GIGABYTE
    beside_weights = int(free * MEMORY_SHARE * GIGABYTE) - SVD.weights
    assert estimate.decode_frames > load.frames_at_once(beside_weights) or not offload


def test_on_a_processor_everything_is_the_machines_memory():
    load = load_with(sap_schedule="two-pass", tile_batch=1, device="cpu", precision="fp32")
    settings, estimate = estimate_memory(load, 8 * GIGABYTE, 64 * GIGABYTE)
    assert settings.tile_batch == 1 and not estimate.offload
    assert estimate.device_memory_available == 64 * GIGABYTE
    # one and the same memory: what the host holds counts while it is held
    assert estimate.device_memory + load.host_bytes() < estimate.host_memory
    assert estimate.host_memory < estimate.device_memory + load.host_bytes() + load.sampled_bytes() + load.finished_bytes()


def test_whole_frames_count_where_they_are_worked_on():
    declaration = Declaration.from_folder(model_folder("compact"))
    settings = declaration.resolve(RestoreSettings(device="cuda", precision="bf16", sap_schedule="two-pass", tile_batch=1))
    load = SegmentLoad(settings, declaration, SVD, grid_for(8, 480, 270, declaration, settings), 480 * 270, 1920 * 1080)
    _, compact = estimate_memory(load, 60 * GIGABYTE, 60 * GIGABYTE)
    assert compact.host_memory == load.host_bytes() + max(load.sampled_bytes(), load.latent_bytes() + load.finished_bytes())
    _, paper = estimate_memory(load_with(), 60 * GIGABYTE, 60 * GIGABYTE)
    decoded = load_with().latent_bytes() + load_with().finished_bytes() + load_with().chunk_bytes(paper.decode_frames)
    assert paper.host_memory == load_with().host_bytes() + max(load_with().sampled_bytes(), decoded)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_learned_upsampler_counts_where_it_computes(device):
    declaration = Declaration.from_folder(model_folder("compact"))
    settings = declaration.resolve(RestoreSettings(device=device, precision="fp32", sap_schedule="two-pass", tile=16))
    small = NetworkSize(weights=0, channels=1, maps=1, attention_maps=0, key_share=0, item=4)
    load = SegmentLoad(settings, declaration, small, grid_for(8, 480, 270, declaration, settings), 480 * 270, 1920 * 1080)
    learned = replace(load, upsampler=UpsamplerConfig())
    (_, without), (_, with_it) = (estimate_memory(each, 60 * GIGABYTE, 60 * GIGABYTE) for each in (load, learned))
    context = CONTEXT_BYTES if device == "cuda" else 0
    chunk = load.chunk_bytes(without.decode_frames)
    assert without.device_memory == chunk + context
    assert with_it.device_memory == max(chunk, UpsamplerConfig().peak_bytes(480 * 270)) + context
    large = replace(learned, upsampler=UpsamplerConfig(channels=1024))
    peak = UpsamplerConfig(channels=1024).peak_bytes(480 * 270)
    assert estimate_memory(large, 60 * GIGABYTE, 60 * GIGABYTE)[1].device_memory == peak + context
    # two segments' frames that it looks at, and the enlarged frames, which are held
    held = 8 * HELD_PIXEL * load.pixels_out
    assert learned.host_bytes() - load.host_bytes() == 2 * 4 * load.pixels_in * FLOAT_PIXEL + held
    assert with_it.decode_frames == without.decode_frames


def test_memory_grows_with_what_is_done_at_once():
    def need(**changes):
        return load_with(**({"sap_schedule": "two-pass", "tile_batch": 1} | changes)).sampling_bytes()

    assert need(tile_batch=2) > 1.5 * need()
    assert need(guidance="none") < need()
    assert need(tile=32) < need()
    assert need(sap_schedule="lockstep") > need(tile_batch=8)
    assert need() < need(sap_schedule="staged") < need(sap_schedule="lockstep")
    assert need(sap_schedule="cached") > need() > need(sap=False)


MEASURED_ON_GPU = [
    ({"tile_batch": 1, "guidance": "none"}, "tile", 960_260_096),
    ({"tile_batch": 2, "guidance": "none"}, "tile", 2_005_844_480),
    ({"tile_batch": 4, "guidance": "none"}, "tile", 4_011_702_784),
    ({"tile_batch": 8, "guidance": "none"}, "tile", 8_023_404_032),
    ({"tile_batch": 16, "guidance": "none"}, "tile", 16_046_806_528),
    ({"tile_batch": 2}, "four", 4_011_702_784),
    ({"tile_batch": 2, "sap": True, "sap_schedule": "staged"}, "four", 6_064_911_360),
    ({"tile_batch": 2, "sap": True, "sap_schedule": "lockstep"}, "four", 8_355_016_192),
    ({"tile_batch": 2, "sap": True, "sap_schedule": "two-pass"}, "four", 4_342_004_224),
    ({"tile_batch": 2, "tap": True}, "four", 4_682_824_192),
    ({"tile_batch": 8}, "1080p", 16_046_806_528),
    ({"tile_batch": 8, "sap": True, "sap_schedule": "staged"}, "1080p", 33_741_254_656),
]
"""Bytes that evaluations and steps of SVD's U-Net took beside its weights: changes of settings, grid, peak. An H100, 26 November
2026, torch 2.11, bf16, by “dcvsr bench full”."""
GPU_GRIDS = {
    "tile": TileGrid.build(14, 64, 64),
    "four": TileGrid.build(21, 96, 96, align=8),
    "1080p": grid_for(14, 480, 270, DECLARED, PAPER),
}


@pytest.mark.parametrize(("changes", "grid", "measured"), MEASURED_ON_GPU)
def test_the_plan_is_near_what_was_measured_on_a_gpu(changes, grid, measured):
    settings = PAPER.replace(**({"steps": 2, "sap": False, "tap": False, "sap_schedule": "staged"} | changes))
    network = NetworkSize.from_config(SVD_UNET, 0, 2)
    load = SegmentLoad(settings, DECLARED, network, GPU_GRIDS[grid], 0, 0)
    assert load.sampling_bytes() == pytest.approx(measured, rel=0.07)


def test_the_plan_is_near_what_decoding_took_on_a_gpu():
    load = replace(load_with(), grid=TileGrid.build(56, 64, 64))
    assert load.decoding_bytes(14) == pytest.approx(11_811_980_288, rel=0.01)


MEASURED = {
    "fp32": {(6, 32): 40, (14, 32): 87, (14, 64): 333},
    "bf16": {(6, 32): 37, (14, 32): 64, (14, 64): 186},
}
"""MiB that a tile of so many frames and latents' side took on a processor, by `bench.memory.peak_bytes`."""


@pytest.mark.parametrize("precision", MEASURED)
def test_the_plan_is_near_what_was_measured_for_the_compact_model(precision):
    folder = model_folder("compact")
    declaration = Declaration.from_folder(folder)
    network = NetworkSize.from_folder(folder / "unet", DTYPES[precision].itemsize)
    settings = declaration.resolve(RestoreSettings(sap=False, tile_batch=1, device="cpu"))
    for (frames, side), measured in MEASURED[precision].items():
        load = SegmentLoad(settings, declaration, network, TileGrid.build(frames, side, side), 1, 1)
        assert 0.9 * measured < load.sampling_bytes() / 2**20 < 1.1 * measured


MEASURED_JOBS = [
    (720, 576, 4, (2880, 2304), 2.134e9),
    (1280, 720, 3, (3840, 2160), 2.321e9),
    (1920, 1080, 2, (3840, 2160), 2.545e9),
]
"""Bytes that the process took at its peak while a window of a clip was restored on a processor, H.264, by “dcvsr bench memory”:
size of the clip, scale, size of the result."""


@pytest.mark.parametrize(("width", "height", "scale", "output_size", "measured"), MEASURED_JOBS)
def test_the_plan_is_near_what_whole_jobs_took(width, height, scale, output_size, measured):
    declaration = Declaration.from_folder(model_folder("compact"))
    settings = declaration.resolve(RestoreSettings(device="cpu", precision="bf16")).replace(scale=scale)
    pixels, folder = width * height, model_folder("compact")
    load = SegmentLoad(
        settings,
        declaration,
        NetworkSize.from_folder(folder / "unet", 2),
        grid_for(7, width, height, declaration, settings),
        pixels,
        scale**2 * pixels,
        upsampler_config("learned", folder),
        codec="h264",
        output_size=output_size,
        together=1,
        several=False,
    )
    _, estimate = estimate_memory(load, 20 * GIGABYTE, 24 * GIGABYTE)
    assert estimate.host_memory == pytest.approx(measured, rel=0.1)


def test_x264_looks_less_far_ahead_without_its_macroblock_tree():
    load = replace(load_with(), codec="h264", output_size=(1920, 1080))
    assert load.encoder_bytes() > 3 * replace(load, output_size=(1904, 1088)).encoder_bytes()


def test_no_more_frames_wait_than_there_are():
    load = load_with()
    few = replace(load, pixels_out=10**5, grid=grid_for(4, 480, 270, DECLARED, load.settings))
    one = replace(few, grid=grid_for(3, 480, 270, DECLARED, load.settings))
    assert few.finished_bytes() - one.finished_bytes() >= 10**5 * WAITING_PIXEL


def test_autoencoder_image_encoder_and_context_are_counted():
    load = load_with(sap_schedule="two-pass", tile_batch=1)
    whole = replace(load, network=replace(SVD, first_stage=GIGABYTE // 4, image_encoder=GIGABYTE))
    (_, plain), (_, more) = (estimate_memory(one, 60 * GIGABYTE, 60 * GIGABYTE) for one in (load, whole))
    assert more.device_memory - plain.device_memory == GIGABYTE // 4  # CLIP is there only before the tiles
    huge = replace(load, network=replace(SVD, image_encoder=50 * GIGABYTE))
    assert estimate_memory(huge, 60 * GIGABYTE, 60 * GIGABYTE)[1].device_memory == 53 * GIGABYTE + CONTEXT_BYTES
    on_processor = replace(huge, settings=huge.settings.replace(device="cpu"))
    assert estimate_memory(on_processor, 60 * GIGABYTE, 60 * GIGABYTE)[1].device_memory == 53 * GIGABYTE


def test_lockstep_counts_only_where_a_step_is_sap():
    plain = load_with(sap_schedule="two-pass", tile_batch=1, steps=1)
    assert replace(plain, settings=plain.settings.replace(sap_schedule="lockstep")).sampling_bytes() == plain.sampling_bytes()


def test_a_batch_that_holds_all_tiles_is_lockstep():
    settings = PAPER.replace(tile_batch=4)
    load = SegmentLoad(settings, DECLARED, SVD, grid_for(56, 128, 128, DECLARED, settings), 128**2, 512**2)
    assert load.grid.spatial == 1
    assert with_batch(load, 1).sap_schedule == "lockstep"  # it would not be smaller in two passes


def test_sap_and_tap_take_the_larger_of_their_peaks():
    def maps(**changes):
        load = load_with(**({"sap_schedule": "two-pass", "tile_batch": 1} | changes))
        return max(load.network.maps, *load.propagating_maps())

    assert maps() == maps(sap=False) == SVD.maps
    assert maps(tap_frames=14) == pytest.approx(13 + 2 * 16) and maps(tap_frames=14, tap=False) == SVD.maps
    assert maps(sap_rate=1) == pytest.approx(13 + 4 * 136 * 240 / 64**2)


def test_a_networks_others_are_measured_by_their_headers(tiny_model, tmp_path):
    networks.vae().save_pretrained(tmp_path / "vae")
    size = NetworkSize.from_folder(tiny_model / "unet", 2, networks.declaration(), tmp_path)
    assert size.first_stage == 2 * sum(weight.numel() for weight in networks.vae().parameters()) and not size.image_encoder


def test_a_network_is_measured_by_its_headers(tiny_model, tmp_path, loader):
    network = NetworkSize.from_folder(tiny_model / "unet", 2)
    weights = loader(jobs.settings(tiny_model)).unet.parameters()
    assert network.weights == 2 * sum(weight.numel() for weight in weights) and network.channels == 32
    (tmp_path / "config.json").write_text((tiny_model / "unet" / "config.json").read_text())
    (tmp_path / "weights.safetensors").write_text("no")
    with pytest.raises(ModelError, match="damaged"):
        NetworkSize.from_folder(tmp_path, 2)


@pytest.mark.parametrize("text", [None, "no", "[]", "{}", '{"down_block_types": [], "block_out_channels": [32]}'])
def test_a_network_without_a_usable_configuration_is_refused(text, tmp_path):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json does not describe a U-Net"):
        NetworkSize.from_folder(tmp_path, 2)


def test_the_longest_windows_count_whichever_shot_they_are_in():
    declaration = Declaration.from_folder(model_folder("compact"))
    settings = declaration.resolve(RestoreSettings(device="cpu", precision="fp32", sap_schedule="two-pass"))
    network = NetworkSize.from_folder(model_folder("compact") / "unet", 4)
    load = SegmentLoad(settings, declaration, network, grid_for(1, 60, 40, declaration, settings), 2400, 16 * 2400)
    uneven, alone = (division_of(shots, load, (60, 40), 0).load.grid for shots in ([(0, 7), (8, 14)], [(0, 7)]))
    assert (uneven.frames, uneven.tile_frames, alone.tile_frames) == (8, 7, 5)


def test_deep_features_that_are_kept_for_other_steps_are_counted():
    """56 frames of 1080p have 28 × 7 tiles; of each two branches keep 640 maps of a quarter of its size."""
    size = replace(SVD, config=SVD_UNET)
    load = replace(load_with(guidance="dssag", guidance_scale=2.0, sap_schedule="staged", tile_batch=1), network=size)
    reusing = replace(load, settings=load.settings.replace(reuse=2))
    assert reusing.host_bytes() - load.host_bytes() == 28 * 7 * 2 * 14 * 640 * 32 * 32 * 2
    fast = replace(load_with(tiling="fast", reuse=2, sap_schedule="cached", tile_batch=1), network=size)
    assert fast.deep_bytes() == 0
