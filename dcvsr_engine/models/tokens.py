"""Access tokens of the hub: in the system's keyring, or for this session only. Never in a file or a log. Torch-free."""

import huggingface_hub
import keyring
from keyring.errors import KeyringError

SERVICE = "dcvsr-studio"
PLAIN_TEXT = "keyrings.alt"
"""Backends of this package keep secrets in files."""

_session: dict[str, str] = {}


def has_keyring() -> bool:
    """Whether the system has a keyring that can keep a token."""
    backend = keyring.get_keyring()
    return not type(backend).__module__.startswith(("keyring.backends.fail", "keyring.backends.null", PLAIN_TEXT))


def token_for(endpoint: str) -> str | None:
    """The token for a hub: of this session, from the keyring, or the one that the hub's own programs use."""
    if endpoint in _session:
        return _session[endpoint]
    try:
        kept = keyring.get_password(SERVICE, endpoint) if has_keyring() else None
    except KeyringError:
        kept = None
    return kept or huggingface_hub.get_token()


def keep_token(endpoint: str, token: str) -> bool:
    """Use a token from now on; says whether the keyring keeps it for the next session, too."""
    _session[endpoint] = token
    if not has_keyring():
        return False
    try:
        keyring.set_password(SERVICE, endpoint, token)
    except KeyringError:
        return False
    return True


def forget_token(endpoint: str) -> None:
    """Remove a token from session and keyring."""
    _session.pop(endpoint, None)
    try:
        if has_keyring() and keyring.get_password(SERVICE, endpoint) is not None:
            keyring.delete_password(SERVICE, endpoint)
    except KeyringError:
        return
