"""What somebody is told who is new to ledgers on a server: what is wrong, and a remedy that works."""

import pytest

from salesledger.api import Ledger
from salesledger.errors import UsageError


class TestUrls:
    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("schema=tz&schema=salesledger", "names 2 schemas: 'tz', 'salesledger'"),
            ("schema=information_schema", "it is the server's own"),
            ("shema=x", r"its parameter 'shema' isn't known \(did you mean 'schema'\?\)"),
            ("sslmode=disable&hst=x", "its parameter 'hst' isn't known"),
            ("passwort=hush&hush=2", "its parameter 'passwort' isn't known"),
            ("password=a&hush=1", "one of its parameters isn't known"),
            ("sslpassword=a&hush=1", "one of its parameters isn't known"),
            ("hush%2F1=", "one of its parameters isn't known"),
        ],
    )
    def test_the_wrong_part_is_named(self, query: str, said: str) -> None:
        """Unless it may be the rest of a password that was cut in two."""
        with pytest.raises(UsageError, match=said) as refusal:
            Ledger.open(f"postgresql://kim@h/d?{query}")
        assert "hush" not in str(refusal.value)

    def test_other_faults_blame_no_parameter(self) -> None:
        """What PostgreSQL's library takes as well isn't taken for the fault."""
        with pytest.raises(UsageError, match=r"can't be read as a PostgreSQL URL\. Write"):
            Ledger.open("postgresql://kim@h%zz/d?ssl=true&sslmode=prefer")
