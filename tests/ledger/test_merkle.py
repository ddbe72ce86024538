"""The tree of RFC 9162: published vectors, a recursive twin, and every proof of every size to 64."""

from itertools import product

import pytest

from salesledger.ledger.merkle import (
    EMPTY,
    Frontier,
    Node,
    complete,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_root,
    root_of,
    shows_consistency,
    shows_inclusion,
)
from support import twin_merkle

INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of Certificate Transparency's reference implementation: the roots over the first 1, 2, ... 8 inputs."""

PATHS: dict[tuple[int, int], list[str]] = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (3, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (2, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""The same source's audit paths, by leaf (from 1) and size."""

GROWTHS: dict[tuple[int, int], list[str]] = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""The same source's consistency proofs, by the two sizes."""

MOST = 64
DATA = [f"entry {i}".encode() for i in range(MOST)]
ALL_ROOTS = [twin_merkle.mth(DATA[:size]) for size in range(MOST + 1)]


def nodes(data: list[bytes]) -> Node:
    """The nodes of a tree over some data."""
    leaves = [leaf_hash(one) for one in data]
    return lambda height, index: complete(leaves[index << height : (index + 1) << height])


class TestPublishedVectors:
    """What Certificate Transparency's reference implementation gives."""

    @pytest.mark.parametrize("size", range(1, 9))
    def test_of_roots(self, size: int) -> None:
        """Over the first inputs, leaf by leaf and as ranges."""
        assert root_of(map(leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]
        assert range_root(nodes(INPUTS), 0, size).hex() == ROOTS[size - 1]

    @pytest.mark.parametrize("case", PATHS)
    def test_of_inclusion(self, case: tuple[int, int]) -> None:
        """The path from a leaf, which leads to the root."""
        leaf, size = case
        path = [bytes.fromhex(text) for text in PATHS[case]]
        assert inclusion_proof(nodes(INPUTS), leaf - 1, size) == path
        assert shows_inclusion(leaf_hash(INPUTS[leaf - 1]), leaf - 1, size, path, bytes.fromhex(ROOTS[size - 1]))

    @pytest.mark.parametrize("case", GROWTHS)
    def test_of_consistency(self, case: tuple[int, int]) -> None:
        """The proof that a tree grew."""
        old, new = case
        path = [bytes.fromhex(text) for text in GROWTHS[case]]
        assert consistency_proof(nodes(INPUTS), old, new) == path
        assert shows_consistency(old, new, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]), path)

    def test_of_the_empty_tree(self) -> None:
        """SHA-256 of nothing."""
        assert root_of([]) == EMPTY == range_root(nodes([]), 0, 0)
        assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_roots_are_those_of_the_twin() -> None:
    """Of every size, also where whole subtrees are added."""
    leaves = [leaf_hash(one) for one in DATA]
    for size in range(MOST + 1):
        assert root_of(leaves[:size]) == range_root(nodes(DATA), 0, size) == ALL_ROOTS[size]
        tree = Frontier()
        for first in range(0, size - size % 8, 8):
            tree.add(complete(leaves[first : first + 8]), 3)
        for leaf in leaves[size - size % 8 : size]:
            tree.add(leaf)
        assert (tree.size, tree.root()) == (size, ALL_ROOTS[size])


def test_every_inclusion_proof_holds_and_no_changed_one_does() -> None:
    """Every leaf of every size: another hash, one more, one less, another place, another size with its root: all fail."""
    node = nodes(DATA)
    for size in range(1, MOST + 1):
        root = ALL_ROOTS[size]
        for index in range(size):
            leaf, path = leaf_hash(DATA[index]), inclusion_proof(node, index, size)
            assert path == twin_merkle.path(index, DATA[:size])
            assert shows_inclusion(leaf, index, size, path, root)
            for changed in variants(path):
                assert not shows_inclusion(leaf, index, size, changed, root)
            assert not shows_inclusion(flipped(leaf), index, size, path, root)
            assert not shows_inclusion(leaf, index, size, path, flipped(root))
            for other in {index - 1, index + 1, index ^ 1, size, -1} - {index}:
                assert not shows_inclusion(leaf, other, size, path, root)
            for other in {size - 1, size + 1, size * 2, MOST} - {size}:
                assert not shows_inclusion(
                    leaf, index, other, path, ALL_ROOTS[min(other, MOST)] if other <= MOST else EMPTY
                )


def test_every_consistency_proof_holds_and_no_changed_one_does() -> None:
    """Every pair of sizes: another hash, one more, one less, other roots, other sizes with theirs: all fail."""
    node = nodes(DATA)
    for old, new in product(range(1, MOST + 1), repeat=2):
        if old > new:
            with pytest.raises(ValueError, match="nothing shows"):
                consistency_proof(node, old, new)
            continue
        first, second, path = ALL_ROOTS[old], ALL_ROOTS[new], consistency_proof(node, old, new)
        assert path == twin_merkle.proof(old, DATA[:new])
        assert shows_consistency(old, new, first, second, path)
        for changed in variants(path):
            assert not shows_consistency(old, new, first, second, changed)
        assert not shows_consistency(old, new, flipped(first), second, path)
        assert not shows_consistency(old, new, first, flipped(second), path)
        if old < new:
            assert not shows_consistency(new, old, second, first, path)
            for other in {old - 1, old + 1} - {0, new}:
                assert not shows_consistency(other, new, ALL_ROOTS[other], second, path)
            for other in {new - 1, new + 1} & set(range(old + 1, MOST + 1)):
                assert not shows_consistency(old, other, first, ALL_ROOTS[other], path)


def test_nothing_is_shown_of_what_is_not_there() -> None:
    """A leaf behind the end, and the growth out of nothing."""
    with pytest.raises(ValueError, match="a tree of 3 leaves has no leaf 3"):
        inclusion_proof(nodes(DATA), 3, 3)
    assert not shows_consistency(0, 3, EMPTY, ALL_ROOTS[3], [])
    assert not shows_consistency(3, 4, ALL_ROOTS[3], ALL_ROOTS[4], [])


def flipped(data: bytes) -> bytes:
    """The same, with a bit of its last byte turned over."""
    return data[:-1] + bytes([data[-1] ^ 1])


def variants(path: list[bytes]) -> list[list[bytes]]:
    """A path with each hash changed in turn, with one more and with one less."""
    changed = [[*path[:i], flipped(path[i]), *path[i + 1 :]] for i in range(len(path))]
    return [*changed, [*path, EMPTY], *([path[:-1]] if path else [])]
