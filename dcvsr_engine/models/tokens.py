"""Access tokens of the hub: kept in the system's keyring or for this session, never in a file or a log. Torch-free."""

from urllib.parse import urlsplit

import huggingface_hub
import keyring
from huggingface_hub import constants
from keyring.errors import KeyringError

KEYRING_SERVICE = "dcvsr-studio"
PLAIN_TEXT_BACKENDS = "keyrings.alt"
"""Backends of this package keep secrets in files."""

_session: dict[str, str] = {}


def has_keyring() -> bool:
    """Whether the system has a keyring that can keep a token."""
    backend = keyring.get_keyring()
    return not type(backend).__module__.startswith(("keyring.backends.fail", "keyring.backends.null", PLAIN_TEXT_BACKENDS))


def token_for(endpoint: str) -> str | None:
    """Find the token for the hub at ``endpoint``: of this session, from the keyring, or that of the hub's own programs."""
    if endpoint in _session:
        return _session[endpoint]
    try:
        kept = keyring.get_password(KEYRING_SERVICE, endpoint) if has_keyring() else None
    except KeyringError:
        kept = None
    return kept or (huggingface_hub.get_token() if is_own_host(endpoint) else None)


def is_own_host(endpoint: str) -> bool:
    """Whether an address is the hub itself, whose programs' token it may get; a mirror gets only a token entered for it."""
    # not `constants.ENDPOINT`, which HF_ENDPOINT changes
    own = urlsplit(constants._HF_DEFAULT_ENDPOINT)
    given = urlsplit(endpoint)
    return (given.scheme, given.hostname, given.port) == (own.scheme, own.hostname, own.port)


def keep_token(endpoint: str, token: str) -> bool:
    """Use a token from now on; returns whether the keyring keeps it for later sessions."""
    _session[endpoint] = token
    if not has_keyring():
        return False
    try:
        keyring.set_password(KEYRING_SERVICE, endpoint, token)
    except KeyringError:
        return False
    return True


def forget_token(endpoint: str) -> None:
    """Remove a token from session and keyring."""
    _session.pop(endpoint, None)
    try:
        if has_keyring() and keyring.get_password(KEYRING_SERVICE, endpoint) is not None:
            keyring.delete_password(KEYRING_SERVICE, endpoint)
    except KeyringError:
        return
