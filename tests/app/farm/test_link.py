"""How this computer comes into a farm and out of it; the commands are stood in for."""

import pytest

from app.farm.link import is_this_computer, kept_token


def is_state(link, state):
    return lambda: link.view.state == state


def test_a_farm_that_is_begun_here_says_where_it_is_and_ends_when_it_is_left(link, farm, soon):
    link.start("192.168.0.10")
    assert link.view.state == "entering"
    soon(lambda: bool(link.view.rows))
    assert (link.view.state, link.view.address, link.view.rows[0].host) == ("in", "192.168.0.10:6380", "box-1")
    assert farm.words == ["start --listen 192.168.0.10 --json --attached"]
    link.leave()
    assert link.view.state == "leaving"
    soon(is_state(link, "out"))
    assert not farm.is_in and not link.view.problem


def test_the_farm_is_left_when_the_window_ends(link, farm, soon):
    link.start()
    soon(lambda: farm.is_in)
    link.stop()
    assert not farm.is_in


@pytest.mark.parametrize(
    "works, words", [(True, "join box:6380 --json --attached"), (False, "join box:6380 --devices 0 --json --attached")]
)
def test_another_computers_farm_is_joined_with_its_token_which_no_process_list_shows(link, farm, soon, works, words):
    link.connect_to("box", "secret", works)
    soon(is_state(link, "in"))
    assert farm.token == "secret" and farm.words == [words]
    link.leave()
    soon(is_state(link, "out"))
    link.start()
    soon(is_state(link, "in"))
    assert farm.token == "" == kept_token()  # that of another farm is not this one's, and the command keeps what was taken


def test_a_farm_that_was_begun_here_elsewhere_is_only_asked(link, farm, soon):
    link.connect_to("127.0.0.1:7000", "")
    soon(is_state(link, "in"))
    assert farm.words == [] and link.view.address == "127.0.0.1:7000"
    link.leave()
    assert link.view.state == "out"


@pytest.mark.parametrize("address", ["box:6380", "127.0.0.1:6380"])
def test_why_a_farm_cannot_be_entered_is_its_own_sentence(link, farm, soon, address):
    farm.refuse("The farm at box:6380 does not take this token.")
    link.connect_to(address, "wrong")
    soon(is_state(link, "out"))
    assert link.view.problem == "The farm at box:6380 does not take this token." and not link.view.rows


def test_what_is_no_address_is_said_at_once(link):
    link.connect_to("box:port", "")
    assert link.view.state == "out" and "“box:port” is no address" in link.view.problem


def test_a_command_that_cannot_be_started_leaves_nothing_waiting(link, soon, monkeypatch):
    monkeypatch.setattr(link, "_command", lambda *words: ["/nowhere/dcvsr", *words])
    link.start()
    soon(is_state(link, "out"))
    assert link.view.problem


def test_a_farm_that_does_not_answer_is_kept_and_asked_again(link, farm, soon):
    link.start()
    soon(lambda: bool(link.view.rows))
    farm.refuse("There is no farm at 127.0.0.1:6380.")
    link.ask()
    soon(lambda: bool(link.view.problem))
    assert link.view.state == "in" and not link.view.rows
    (farm.folder / "refusal").unlink()
    link.ask()
    soon(lambda: bool(link.view.rows))
    assert not link.view.problem


def test_a_farm_that_ends_takes_this_computer_out_with_the_reason(link, farm, soon):
    link.start()
    soon(lambda: bool(link.view.rows))
    link._node.write(b"end\n")
    link._node.closeWriteChannel()
    soon(is_state(link, "out"))
    assert "first computer is gone" in link.view.problem


def test_it_is_asked_while_somebody_looks_and_no_longer(link, farm, soon):
    link._timer.setInterval(30)
    link.start()
    soon(is_state(link, "in"))
    link.look(True)
    asked = lambda: (farm.folder / "words").read_text().count("status")  # noqa: E731
    soon(lambda: asked() >= 4)
    link.look(False)
    assert not link._timer.isActive()


def test_this_computer_is_known_by_its_addresses():
    assert is_this_computer("127.0.0.1") and is_this_computer("localhost")
    assert not is_this_computer("192.0.2.1")  # an address for documents
