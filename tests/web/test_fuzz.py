"""The HTTP API under requests that follow its own document, and that don't: whatever comes, the answer is one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.openapi import from_dict
from starlette.testclient import TestClient

from support import examples
from web.conftest import serving

SLOW = ("/api/commands/forecast",)
"""Commands that replay the past for seconds."""


@pytest.fixture(scope="module")
def open_client(story: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody with every right on a ledger of their own."""
    path = tmp_path_factory.mktemp("fuzz") / "sales.ledger"
    path.write_bytes(story.read_bytes())
    path.chmod(0o600)
    with serving(path)() as client:
        yield client


@pytest.fixture(scope="module")
def requests(open_client: TestClient) -> st.SearchStrategy[Any]:
    """Requests to every address of the document; half of them break what it says of values."""
    document = open_client.get("/api/openapi.json").json()
    document["paths"] = {address: told for address, told in document["paths"].items() if address not in SLOW}
    every = [found.ok() for found in from_dict(document).get_all_operations() if isinstance(found, Ok)]
    assert len(every) > 150
    made = [operation.as_strategy(generation_mode=mode) for operation in every for mode in GenerationMode]
    return st.sampled_from(made).flatmap(lambda strategy: strategy)


def test_no_request_is_a_fault(open_client: TestClient, requests: st.SearchStrategy[Any]) -> None:
    """No answer is a 5xx; each is JSON, and each refusal says what is wrong."""

    @settings(max_examples=examples(150), suppress_health_check=[*HealthCheck])
    @given(requests)
    def held(case: Any) -> None:
        answer = open_client.request(
            case.method,
            case.formatted_path,
            params=case.query or {},
            content=b""
            if case.body is NOT_SET
            else case.body
            if isinstance(case.body, bytes)
            else json.dumps(case.body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code < 500, answer.text
        told = json.loads(answer.text)
        assert answer.status_code == 200 or told["error"].strip(), told

    held()
