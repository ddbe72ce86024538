"""The Merkle tree of RFC 9162 (section 2.1, the same as RFC 6962's): roots, proofs, and what checks them. Pure functions."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""The hash of a complete subtree: of its height (0 for a leaf) and its place among those of that height, from 0."""

EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf, which is never that of a node: the first byte hashed tells them apart (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node (RFC 9162, 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf and keeps only what its root needs: one hash for each bit of its size.

    Attributes:
        size: the number of its leaves.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    def copy(self) -> "Frontier":
        """The same tree, to grow apart."""
        return Frontier(self.size, self._hashes)

    def add(self, subtree: bytes, height: int = 0) -> None:
        """Append a leaf's hash, or that of a complete subtree where the size is a multiple of its leaves."""
        place = self.size >> height
        while place & 1:
            subtree = node_hash(self._hashes.pop(), subtree)
            place >>= 1
        self._hashes.append(subtree)
        self.size += 1 << height

    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self._hashes:
            return EMPTY
        *others, found = self._hashes
        for left in reversed(others):
            found = node_hash(left, found)
        return found


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of some leaves."""
    tree = Frontier()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def complete(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of which there are 1, 2, 4, 8, ...: much quicker than leaf by leaf."""
    level = list(hashes)
    while len(level) > 1:
        pairs = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return level[0]


def range_root(node: Node, begin: int, end: int) -> bytes:
    """The root over the leaves from `begin` up to, but without, `end`: MTH(D[begin:end]) of RFC 9162, 2.1.1."""
    count = end - begin
    if count == 0:
        return EMPTY
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return node(height, begin >> height)
    middle = begin + _split(count)
    return node_hash(range_root(node, begin, middle), range_root(node, middle, end))


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """The hashes that lead from a leaf to the root: PATH(index, D[0:size]) of RFC 9162, 2.1.3.1.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    begin, end = 0, size
    path: list[bytes] = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, begin, middle))
            begin = middle
    return path[::-1]


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """The hashes that show an old tree to be the beginning of a new one: PROOF(old, D[0:new]) of RFC 9162, 2.1.4.1.

    Raises:
        ValueError: the old one is empty or bigger.
    """
    if not 0 < old <= new:
        raise ValueError(f"nothing shows that a tree of {old} leaves is the beginning of one of {new}")
    begin, end, whole = 0, new, True
    path: list[bytes] = []
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(range_root(node, begin, end))
    return path[::-1]


def shows_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf's hash is at its place in the tree of that size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for hashed in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(hashed, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, hashed)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def shows_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the old tree is the beginning of the new one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = hashes[0]
    for hashed in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(hashed, first), node_hash(hashed, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, hashed)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    """The greatest power of two below a number of leaves."""
    return 1 << ((count - 1).bit_length() - 1)
