"""Keyed digests of secrets: enough to check a value that is given again, not enough to find it out."""

from __future__ import annotations

_ROUNDS = 200_000


def seal(value: str, salt: bytes) -> str:
    """`pbkdf2-sha256$rounds$salt$digest` of a secret. The salt should be 16 random bytes."""
    return f"pbkdf2-sha256${_ROUNDS}${salt.hex()}${_derive(value, salt, _ROUNDS)}"


def is_sealed(value: str, sealed: str) -> bool:
    """Whether the value is the one that was sealed. Takes the same time whatever the answer."""
    from hmac import compare_digest  # only where there are secrets

    _, rounds, salt, digest = sealed.split("$")
    return compare_digest(_derive(value, bytes.fromhex(salt), int(rounds)), digest)


def _derive(value: str, salt: bytes, rounds: int) -> str:
    from hashlib import pbkdf2_hmac

    return pbkdf2_hmac("sha256", value.encode("utf-8", "surrogatepass"), salt, rounds).hex()
