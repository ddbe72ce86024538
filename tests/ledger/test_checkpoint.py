"""Signed checkpoints as text: what C2SP says they are, and that nothing else is taken for one."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from salesledger.ledger.checkpoint import Checkpoint, PrivateKey, PublicKey, signed

KEY = PrivateKey("salesledger/7", bytes(range(32)))
WITNESS = PrivateKey("witness.example/w", bytes(range(1, 33)))
ROOT = sha256(b"root").digest()
NOTE = signed("salesledger/7", 12, ROOT, KEY)


class TestText:
    """The text of a checkpoint."""

    def test_is_origin_size_and_root_then_a_blank_line_and_the_signature(self) -> None:
        """Each in a line."""
        origin, size, root, blank, signature, end = NOTE.split("\n")
        assert (origin, size, blank, end) == ("salesledger/7", "12", "", "")
        assert base64.b64decode(root) == ROOT
        assert signature.startswith("\u2014 salesledger/7 ")

    def test_is_signed_with_plain_ed25519_over_what_stands_above_the_blank_line(self) -> None:
        """So that any other program can check it."""
        text, _, line = NOTE.rpartition("\n\n")
        found = base64.b64decode(line.split(" ")[2])
        key = Ed25519PrivateKey.from_private_bytes(KEY.seed).public_key()
        key.verify(found[4:], f"{text}\n".encode())
        hashed = sha256(b"salesledger/7\n\x01" + key.public_bytes_raw()).digest()
        assert found[:4] == hashed[:4] == KEY.public.id

    def test_is_read_back(self) -> None:
        """With everything in it."""
        read = Checkpoint.parse(NOTE)
        assert (read.origin, read.size, read.root) == ("salesledger/7", 12, ROOT)
        assert read.signed_by([KEY.public]) == KEY.public

    def test_may_have_more_lines_and_more_signatures(self) -> None:
        """Extensions, and a witness; who is unknown says nothing."""
        text = f"salesledger/7\n12\n{base64.b64encode(ROOT).decode()}\nextension\n"
        read = Checkpoint.parse(f"{text}\n{WITNESS.sign(text)}{KEY.sign(text)}")
        assert len(read.signatures) == 2
        assert read.signed_by([KEY.public]) == KEY.public
        assert read.signed_by([WITNESS.public, KEY.public]) == WITNESS.public
        assert read.signed_by([PrivateKey("salesledger/7", bytes(32)).public]) is None
        assert read.signed_by([]) is None

    @pytest.mark.parametrize(
        ("old", "new"), [("salesledger/7\n12", "salesledger/8\n12"), ("12\n", "13\n"), ("12\n", "1\n")]
    )
    def test_that_was_changed_is_signed_by_nobody(self, old: str, new: str) -> None:
        """A character is enough."""
        assert Checkpoint.parse(NOTE.replace(old, new, 1)).signed_by([KEY.public]) is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "salesledger/7",
            "salesledger/7\n12\n\n",
            NOTE.rstrip("\n"),
            NOTE.replace("\n12\n", "\n012\n"),
            NOTE.replace("\n12\n", "\n-1\n"),
            NOTE.replace("\n12\n", "\n12.0\n"),
            NOTE.replace("\u2014", "-"),
            NOTE.replace("\n\n", "\n"),
            NOTE.replace(base64.b64encode(ROOT).decode(), "AAAA"),
            NOTE.replace(base64.b64encode(ROOT).decode(), "no base64"),
            NOTE[:-3] + "\n",
        ],
    )
    def test_that_is_none_is_refused(self, text: str) -> None:
        """Whatever a person may have given by mistake."""
        with pytest.raises(ValueError, match=r"."):
            Checkpoint.parse(text)


class TestKeys:
    """Keys as text."""

    def test_are_read_back(self) -> None:
        """The public one on its line, the private one from its file."""
        assert PublicKey.parse(str(KEY.public)) == KEY.public
        assert PublicKey.parse(f"  {KEY.public}\n") == KEY.public
        assert PrivateKey.parse(KEY.to_text()).seed == KEY.seed

    def test_name_and_id_are_part_of_the_text(self) -> None:
        """name+id+base64, as C2SP's signed-note has it."""
        name, number, data = str(KEY.public).split("+", 2)
        assert (name, number) == ("salesledger/7", KEY.public.id.hex())
        assert base64.b64decode(data) == b"\x01" + KEY.public.raw

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "salesledger/7",
            str(KEY.public).replace("salesledger/7", "salesledger/8"),
            str(KEY.public).replace("+", " "),
            str(KEY.public)[:-4],
            KEY.to_text(),
            "a+00000000+AAAA",
        ],
    )
    def test_that_are_none_are_refused(self, text: str) -> None:
        """Also one whose name was changed: its id says so."""
        with pytest.raises(ValueError, match=r"."):
            PublicKey.parse(text)

    @pytest.mark.parametrize("text", ["", str(KEY.public), KEY.to_text()[:-6], KEY.to_text().replace("/7", "/8")])
    def test_that_are_no_private_ones_are_refused(self, text: str) -> None:
        """A public key among them."""
        with pytest.raises(ValueError, match=r"."):
            PrivateKey.parse(text)

    def test_never_show_their_secret(self) -> None:
        """Not even where a traceback prints them."""
        assert base64.b64encode(KEY.seed).decode() not in repr(KEY)
        assert str(list(KEY.seed)) not in repr(KEY)
