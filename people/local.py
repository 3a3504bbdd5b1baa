"""Local accounts: argon2id (RFC 9106) and time-based one-time codes (RFC 6238)."""

import base64
import os
from functools import cached_property

import argon2
import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from model.fault import Refused

_STEP_SECONDS = 30
_NONCE_BYTES = 12
LEAST_PASSWORD_CHARACTERS = 12


class Passwords:
    """Hashes passwords, slowly on purpose."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        """Take a hasher; the library's defaults are RFC 9106's low-memory choice: 64 MiB, 3 passes."""
        self._hasher = hasher or argon2.PasswordHasher()

    def hash(self, password: str) -> str:
        """Return a password's hash; raises `Refused` for one that is too short (NIST SP 800-63B counts length only)."""
        if len(password) < LEAST_PASSWORD_CHARACTERS:
            raise Refused(f"the password is too short: at least {LEAST_PASSWORD_CHARACTERS} characters")
        return self._hasher.hash(password)

    def is_right(self, hash_: str, password: str) -> bool:
        """Return whether a password is the one that was hashed; takes as long where there is no hash at all."""
        try:
            self._hasher.verify(hash_ or self._nobodys_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return bool(hash_)

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash(os.urandom(16))


def new_secret() -> str:
    """Return a new secret for one-time codes, base32."""
    return pyotp.random_base32()


def enrolment(secret: str, person: str) -> str:
    """Return the otpauth URI that an authenticator takes."""
    return pyotp.TOTP(secret, interval=_STEP_SECONDS).provisioning_uri(name=person, issuer_name="Hinomi")


def used_step(secret: str, code: str, at: float, last_step: int) -> int | None:
    """Return the step whose code this is by the secret, None where it is none.

    A code counts once, and one step late or early. `at` is seconds since 1970; `last_step` is the last one that was
    used (RFC 6238, 5.2).
    """
    now = int(at) // _STEP_SECONDS
    codes = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    for step in (now - 1, now, now + 1):
        if step > last_step and pyotp.utils.strings_equal(codes.generate_otp(step), code):
            return step
    return None


def seal(key: bytes, person: str, secret: str) -> str:
    """Return a secret sealed with the key for one person (AES-256-GCM): it opens for nobody else."""
    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, secret.encode(), person.encode())).decode()


def unseal(key: bytes, person: str, sealed: str) -> str:
    """Return the secret that was sealed for a person.

    Raises `Refused` where the key is another one or what is `sealed` was somebody else's.
    """
    raw = base64.b64decode(sealed)
    try:
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], person.encode()).decode()
    except InvalidTag:
        raise Refused("the one-time-code secret does not open: the installation's key is another one") from None
