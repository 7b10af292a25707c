"""Identifiers for the outside: a prefix that tells the kind, then 26 base32 characters (130 random bits)."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
RANDOM_BYTES = 17


def public_id(prefix: str, randomness: bytes) -> str:
    """E.g. `inv_…` from at least 17 random bytes. Crockford's alphabet: no i, l, o, u to misread."""
    if len(randomness) < RANDOM_BYTES:
        raise ValueError(f"{prefix}: {len(randomness)} random bytes given, at least {RANDOM_BYTES} are needed")
    number = int.from_bytes(randomness)
    return prefix + "_" + "".join(ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))
