"""RFC 9162's Merkle tree as its sections 2.1.1, 2.1.3.1 and 2.1.4.1 define it: recursive, slow, word by word."""

from hashlib import sha256


def mth(d: list[bytes]) -> bytes:
    """MTH(D_n): the root over the data of n leaves."""
    n = len(d)
    if n == 0:
        return sha256().digest()
    if n == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = _k(n)
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    """PATH(m, D_n): the inclusion proof of leaf m."""
    n = len(d)
    if n == 1:
        return []
    k = _k(n)
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: list[bytes]) -> list[bytes]:
    """PROOF(m, D_n): the consistency proof from size m."""
    return _subproof(m, d, whole=True)


def _subproof(m: int, d: list[bytes], *, whole: bool) -> list[bytes]:
    n = len(d)
    if m == n:
        return [] if whole else [mth(d)]
    k = _k(n)
    if m <= k:
        return [*_subproof(m, d[:k], whole=whole), mth(d[k:])]
    return [*_subproof(m - k, d[k:], whole=False), mth(d[:k])]


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k
