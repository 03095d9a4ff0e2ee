"""Downloads from an imitated hub that is slow, breaks off, sends damage, or refuses: one clear sentence, never half a model."""

import errno
import json
import shutil

import hub as hubs
import keyring
import pytest
from keyring.backend import KeyringBackend

from dcvsr_engine import cli
from dcvsr_engine.errors import Cancelled, ModelError
from dcvsr_engine.models import catalogue, download, importing, tokens
from dcvsr_engine.models import listing as listings
from dcvsr_engine.models.catalogue import entry_of
from dcvsr_engine.models.hub import TokenNeeded
from dcvsr_engine.models.loading import load_model
from dcvsr_engine.models.registry import model_named
from dcvsr_engine.models.store import remove_model, unfinished_download
from dcvsr_engine.models.verification import verify_model
from dcvsr_engine.paths import models_folder
from dcvsr_engine.storage import write_json

WEIGHTS = "unet_ema/diffusion_pytorch_model.safetensors"
TOKEN = "hf_secret"


class Memory(KeyringBackend):
    """A keyring for one test."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch, tmp_path):
    """A machine on which nobody said who they are, and without a keyring."""
    monkeypatch.setattr(tokens, "_session", {})
    monkeypatch.setattr(tokens.huggingface_hub, "get_token", lambda: None)
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)


@pytest.fixture
def memory(monkeypatch):
    """A keyring."""
    backend = Memory()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    for name in ("get_password", "set_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(backend, name))
    return backend


def files(folder, parts):
    return {f"{new}/{path.name}": path.read_bytes() for old, new in parts.items() for path in sorted((folder / old).iterdir())}


@pytest.fixture
def hub(unets, monkeypatch):
    """The two repositories of the catalogue, with tiny networks."""
    base = files(unets, {"vae": "vae", "unet": "unet"}) | {
        "model_index.json": b"{}",
        "vae/diffusion_pytorch_model.bin": b"pickle",
    }
    unet = entry_of("dc-vsr")
    imitation = hubs.Hub({unet.repository: files(unets, {"unet": "unet_ema"}), entry_of(unet.base).repository: base})
    end = imitation.start()
    monkeypatch.setenv("HF_ENDPOINT", imitation.address)
    yield imitation
    end()


@pytest.fixture
def entry():
    """The published U-Net, with the tiny network's conventions."""
    known = entry_of("dc-vsr")
    return known.replace(declaration=known.declaration | {"factor": 2, "multiple": 2})


def fetch(entry, token=None, progress=lambda what, done, total: None):
    return download.download(entry, token, progress, wait=0.01)


def refused(entry, *arguments, kind=ModelError):
    with pytest.raises(kind) as caught:
        fetch(entry, *arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_a_unet_and_its_base_are_fetched_and_restore(hub, home, entry):
    seen = []
    model = fetch(entry, progress=lambda what, done, total: seen.append((done, total)))
    assert "which is missing" in model.problem
    assert seen[-1][0] == seen[-1][1] == sum(map(len, hub.repositories[entry.repository].values()))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert [done for done, _ in seen].count(seen[-1][0]) > 1  # while the hash is made one can cancel, too
    base = fetch(entry_of(entry.base))
    assert base.is_base
    assert {path.name for path in base.folder.rglob("*") if path.is_file()} == {
        "config.json", "diffusion_pytorch_model.safetensors", "model_index.json", "source.json"
    }  # fmt: skip
    assert not any("unet/" in path or ".bin" in path for path, _ in hub.requests)
    assert load_model("dc-vsr", "cpu", "fp32").declaration.assumed
    assert verify_model(model_named("dc-vsr")) == verify_model(base) == []
    assert {path.name for path in home.iterdir()} == {"dc-vsr", entry.base}


def test_a_base_comes_with_its_unet_for_training_only(hub):
    base = fetch(entry_of("stable-video-diffusion-img2vid").for_training())
    assert base.is_base
    assert (base.folder / "unet" / "diffusion_pytorch_model.safetensors").is_file()
    with pytest.raises(ModelError, match="has nothing that only training needs"):
        entry_of("dc-vsr").for_training()


def test_what_breaks_off_goes_on_where_it_was(hub, entry):
    size = len(hub.repositories[entry.repository][WEIGHTS])
    hub.break_after = [size // 2, size // 4]
    fetch(entry)
    ranges = [int(range_[6:-1]) for path, range_ in hub.requests if path.endswith(WEIGHTS) and range_]
    assert ranges == [size // 2, size // 2 + size // 4]


def test_a_later_try_goes_on_where_an_earlier_one_gave_up(hub, home, entry):
    hub.break_after = [5000, *[0] * download.TRIES]
    sentence = refused(entry)
    assert f"broke off in {WEIGHTS}, at 0.0 of" in sentence and "start the download again to continue" in sentence
    assert unfinished_download(entry.name)[0] > 5000
    assert not (home / entry.name).exists()
    hub.break_after = []
    hub.requests.clear()
    fetch(entry)
    assert hub.requests == [(f"/{entry.repository}/resolve/{hubs.REVISION}/{WEIGHTS}", "bytes=5000-")]
    assert unfinished_download(entry.name) is None


def test_a_cancelled_download_is_kept_and_can_be_removed(hub, home, entry):
    hub.seconds = 0.001

    def cancel(what, done, total):
        if done > 20_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(entry, progress=cancel)
    assert 20_000 < unfinished_download(entry.name)[0] < unfinished_download(entry.name)[1]
    remove_model(entry.name)
    assert list(home.iterdir()) == []


def test_damage_on_the_way_is_found_and_not_kept(hub, home, entry):
    hub.damage = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    assert "config.json of “dc-vsr” arrived damaged and was deleted" in refused(entry)
    hub.damage = lambda data: data[:-1] + bytes([data[-1] ^ 1]) if len(data) > 9999 else data
    assert f"{WEIGHTS} of “dc-vsr” arrived damaged" in refused(entry)
    hub.damage = lambda data: data
    assert verify_model(fetch(entry)) == []


def test_a_hash_of_the_catalogue_comes_before_the_hub_s(hub, entry):
    assert "arrived damaged" in refused(entry.replace(sha256={WEIGHTS: "0" * 64}))


def test_a_gated_repository_wants_a_token_then_the_right_one_then_consent(hub, entry):
    hub.token, hub.granted = TOKEN, False
    assert "accept it there, make a token" in refused(entry, kind=TokenNeeded)
    assert "does not know this token" in refused(entry, "hf_wrong", kind=TokenNeeded)
    sentence = refused(entry, TOKEN, kind=TokenNeeded)
    assert "has no access to “dc-vsr” yet" in sentence and TOKEN not in sentence
    hub.granted = True
    assert fetch(entry, TOKEN).name == "dc-vsr"
    assert not any(TOKEN in path.read_text(errors="ignore") for path in models_folder().rglob("*") if path.is_file())


def test_what_is_not_there_and_a_hub_in_trouble(hub, entry, monkeypatch):
    assert "does not exist, or no longer has these files" in refused(entry.replace(repository="someone/nothing"))
    hub.status = 503
    assert "answers with error 503; try again later" in refused(entry)
    hub.status = 404
    assert "no longer has these files" in refused(entry)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    remove_model(entry.name)
    assert "http://127.0.0.1:9 cannot be reached (ConnectError)" in refused(entry)


def test_only_pickles_are_not_fetched(hub, entry):
    hub.repositories[entry.repository] = {"unet_ema/config.json": b"{}", "unet_ema/diffusion_pytorch_model.bin": b"pickle"}
    assert "offers no safetensors files" in refused(entry)
    hub.repositories[entry.repository][WEIGHTS] = b"\x80\x04 a pickle under a false name"
    assert "damaged or no safetensors file" in refused(entry)


def test_no_room_before_and_during(hub, home, entry, monkeypatch):
    usage = shutil.disk_usage(home.parents[2])
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    assert "There is not enough space in" in refused(entry)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(home.parents[1]))
    monkeypatch.setenv("HF_ENDPOINT", hub.address)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.Download, "_receive", full)
    assert "is full; free some space and start the download again, what has arrived is kept" in refused(entry)


def test_two_at_once_are_refused(hub, entry):
    def again(what, done, total):
        assert "is being downloaded by another process" in refused(entry)
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch(entry, progress=again)


def test_a_token_is_kept_in_the_keyring_or_for_the_session(memory, monkeypatch):
    assert tokens.keep_token("http://hub", TOKEN)
    monkeypatch.setattr(tokens, "_session", {})
    assert tokens.token_for("http://hub") == TOKEN
    assert tokens.token_for("http://another") is None
    tokens.forget_token("http://hub")
    assert tokens.token_for("http://hub") is None and memory.kept == {}


def test_without_a_keyring_a_token_lasts_as_long_as_the_program():
    assert not tokens.has_keyring()
    assert not tokens.keep_token("http://hub", TOKEN)
    assert tokens.token_for("http://hub") == TOKEN
    tokens.forget_token("http://hub")
    assert tokens.token_for("http://hub") is None


# -- hubs that mean no good -----------------------------------------------------------------------------------


def bytes_on_disk(home):
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def test_a_file_that_never_ends_is_stopped_at_its_size(hub, home, entry):
    listing = download.listing_on_hub(download.HubConnection(entry, None), entry)
    hub.endless = True
    folder = home / ".dc-vsr.download"
    write_json(folder / "download.json", listing.to_dict())
    assert "sends more than the" in refused(entry)
    assert bytes_on_disk(home) <= listing.size + 10_000


def test_a_listing_that_never_ends_is_given_up(hub, home, entry):
    hub.endless = True
    assert "does not end its listing" in refused(entry)


def test_compressed_answers_are_unpacked_within_their_limits(hub, home, entry):
    hub.packed = True
    assert not verify_model(fetch(entry))
    remove_model("dc-vsr")
    listing = hub.listing(hub.repositories[entry.repository])
    hub.repositories[entry.repository][WEIGHTS] = bytes(10**8)  # 100 kB on the way
    hub.describe = lambda _: listing
    assert "sends more than the" in refused(entry)
    assert bytes_on_disk(home) < 10**6


def without_hashes(listing):
    for item in listing["siblings"]:
        item.pop("lfs", None)
        item.pop("blobId", None)
    return listing


def test_files_without_a_hash_are_refused(hub, home, entry):
    hub.describe = without_hashes
    assert "The hub gives no hash of unet_ema/config.json, so that it could not be verified" in refused(entry)
    assert not any(WEIGHTS in path for path, _ in hub.requests)


def test_a_model_that_is_far_larger_than_the_catalogue_says_is_refused(hub, entry):
    def swell(listing):
        for item in listing["siblings"]:
            item["size"] += entry.size
        return listing

    hub.describe = swell
    assert "but it should be" in refused(entry)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_hub_that_is_busy_is_asked_again(hub, entry, status):
    hub.trouble = [(status, ""), (status, "")]
    assert not verify_model(fetch(entry))


def test_a_hub_says_how_long_to_wait(hub, entry, monkeypatch):
    waited = []
    monkeypatch.setattr(download.Download, "_pause", lambda self, seconds, tick: waited.append(seconds))
    hub.trouble = [(429, "7"), (503, "100000")]
    fetch(entry)
    assert waited[:2] == [7, 120]


def test_waiting_can_be_cancelled(hub, entry):
    hub.trouble = [(429, "100")]

    def cancel(what, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch(entry, progress=cancel)
    assert len(hub.requests) == 1, "it was not waited for"


def test_a_range_that_is_refused_begins_again(hub, home, entry):
    listing = download.listing_on_hub(download.HubConnection(entry, None), entry)
    folder = home / ".dc-vsr.download"
    write_json(folder / "download.json", listing.to_dict())
    (folder / "unet_ema").mkdir()
    (folder / WEIGHTS).write_bytes(b"begun")
    hub.damage = lambda data: data[:3] if len(data) > 9999 and hub.requests[-1][1] else data
    assert not verify_model(fetch(entry))


def test_a_newer_revision_is_fetched_where_the_old_one_is_gone(hub, home, entry):
    size = len(hub.repositories[entry.repository][WEIGHTS])
    hub.break_after = [size // 2, *[0] * download.TRIES]
    refused(entry)
    hub.break_after, hub.revision = [], "b" * 40
    hub.requests.clear()
    assert not verify_model(fetch(entry))
    assert (f"/{entry.repository}/resolve/{'b' * 40}/{WEIGHTS}", f"bytes={size // 2}-") in hub.requests, "the same file was kept"


NO_LISTINGS = [None, 3, [], {}, {"sha": 3, "siblings": []}, {"sha": "a", "siblings": None}, {"sha": "a", "siblings": [None]}]
ODD_FILES = [{"rfilename": 3}, {"rfilename": WEIGHTS}, {"rfilename": WEIGHTS, "size": "9"}, {"rfilename": WEIGHTS, "size": -1},
             {"rfilename": WEIGHTS, "size": 9, "lfs": 3}, {"rfilename": WEIGHTS, "size": 9, "lfs": {"sha256": 3}}]  # fmt: skip


@pytest.mark.parametrize("listing", NO_LISTINGS + [{"sha": "a", "siblings": [file]} for file in ODD_FILES])
def test_listings_of_wrong_types_are_refused_in_one_sentence(hub, entry, listing):
    hub.describe = lambda _: listing
    refused(entry)


def test_a_listing_nested_too_deeply_is_refused(hub, entry, monkeypatch):
    monkeypatch.setattr(hubs.json, "dumps", lambda value: "[" * 200_000 + "]" * 200_000)
    assert "a listing that is not understood" in refused(entry)


STRANGE = [
    "../x.json",
    "a/../../x.json",
    "/etc/x.json",
    "a/b\0.json",
    "a/b\n.json",
    "a/\\..\\x.json",
    "a" * 300 + ".json",
    "./x.json",
]


@pytest.mark.parametrize("name", STRANGE)
def test_names_that_lead_elsewhere_are_left_out(name):
    assert not listings.is_wanted(name, ("*",))
    assert listings.is_wanted("unet/config.json", ("*",))


def test_the_hub_s_own_token_goes_to_the_hub_only(hub, entry, monkeypatch, memory):
    monkeypatch.setattr(tokens.huggingface_hub, "get_token", lambda: TOKEN)
    assert tokens.token_for(tokens.constants._HF_DEFAULT_ENDPOINT) == TOKEN
    for address in (hub.address, "http" + tokens.constants._HF_DEFAULT_ENDPOINT.removeprefix("https")):
        assert tokens.token_for(address) is None
    tokens.keep_token(hub.address, "hf_for_the_mirror")
    assert tokens.token_for(hub.address) == "hf_for_the_mirror"


# -- the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, monkeypatch, entry):
    """``dcvsr models …`` where nobody sits at the terminal."""
    entries = tuple(entry if known.name == entry.name else known for known in catalogue.catalogue())
    monkeypatch.setattr(catalogue, "catalogue", lambda: entries)

    def command(*arguments):
        code = cli.main(["models", *arguments])
        return code, *capsys.readouterr()

    return command


def test_the_command_line_shows_the_licence_and_fetches_the_base_too(hub, run):
    code, out, err = run("download", "dc-vsr")
    assert code == 2
    assert "Stability AI Community License" in out and "--accept-licence" in err
    assert hub.requests == []
    code, out, _ = run("download", "dc-vsr", "--accept-licence")
    assert code == 0
    assert set(json.loads(run("list", "--json")[1])) == {"compact", "dc-vsr", "stable-video-diffusion-img2vid"}
    assert "dcvsr models probe dc-vsr" in out


def test_the_command_line_says_where_a_token_comes_from(hub, run, memory):
    hub.token = TOKEN
    code, _, err = run("download", "dc-vsr", "--accept-licence")
    assert code == 2
    assert "dcvsr models token" in err
    tokens.keep_token(hub.address, TOKEN)
    assert run("download", "dc-vsr", "--accept-licence")[0] == 0
    assert run("token", "--forget")[1] == "The token is forgotten.\n"
    assert memory.kept == {}
