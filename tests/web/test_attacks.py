"""What pages of other sites and odd requests try on the server. docs/trust.md has the table of these tests."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from starlette.testclient import TestClient

from salesledger.cli.served import Served
from salesledger.web.app import make_app
from salesledger.web.guard import HEADERS
from salesledger.web.pages import log as log_page
from salesledger.web.server import config_of
from salesledger.web.settings import Settings
from web.attacks import LEAD, TOKENS, entries
from web.conftest import TODAY, Serving


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "evil.example:5180", "localhost.evil.example:5180", "", "127.0.0.1@evil.example",
        "evil.example#127.0.0.1", "127.0.0.1/evil", "127.0.0.1:99999", "127.0.0.1:x", "[::1", "0.0.0.0", "2130706433", "127.1",
        "localhost.", "192.168.1.10",
    ],
)  # fmt: skip
def test_name_that_was_pointed_at_this_machine_is_refused(client: TestClient, host: str) -> None:
    """DNS rebinding: a site's name that leads here is still not ours, whatever it looks like."""
    for address in ("/", "/api/projections/deals", "/static/page.css", "/live", "/login"):
        answer = client.get(address, headers={"Host": host})
        assert (answer.status_code, "isn't called that" in answer.text) == (
            403,
            True,
        ) or "isn&#39;t called" in answer.text


def test_own_names_are_served(client: TestClient) -> None:
    """Under each name that this machine has for itself, whatever the port that somebody forwards."""
    for host in ("localhost:5180", "LOCALHOST", "127.0.0.1:8080", "[::1]:5180"):
        assert client.get("/api/projections", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:5181"},
        {"Origin": "http://localhost:5180"},
        {"Origin": "http://127.0.0.1:5180.evil.example"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:5180", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("address", [LEAD, "/login", "/logout"])
def test_post_of_another_site_is_refused(serve: Serving, path: Path, headers: dict[str, str], address: str) -> None:
    """Nothing is recorded, and nobody logged in or out, by a page that isn't ours."""
    before = entries(path)
    with serve() as client:
        answer = client.post(address, json={"company": "Forged"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert entries(path) == before


def test_post_of_the_own_page_is_served(serve: Serving, path: Path) -> None:
    """As browsers send it, and as programs do that name no origin."""
    own = {"Origin": "http://127.0.0.1:5180", "Sec-Fetch-Site": "same-origin"}
    with serve() as client:
        for number, headers in enumerate(({}, own)):
            assert client.post(LEAD, json={"company": f"Own {number}"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
     "", "text/json", "application/jsonx"]
)  # fmt: skip
def test_body_that_a_form_could_send_is_refused(serve: Serving, path: Path, kind: str) -> None:
    """Only JSON records: a browser asks before it sends that elsewhere, and is told no."""
    before = entries(path)
    with serve() as client:
        answer = client.post(LEAD, content=b'{"company": "Forged"}', headers={"Content-Type": kind})
        assert answer.status_code == 415
        asked = client.options(
            LEAD, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert asked.status_code == 405
        assert not [name for name in asked.headers if name.startswith("access-control")]
    assert entries(path) == before


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("cors", "empty"), ("no-cors", "script"), ("no-cors", "image"), ("navigate", "iframe"), ("navigate", "object")],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_see_nothing(client: TestClient, site: str, mode: str, kind: str) -> None:
    """Neither as a script, a picture or a frame, nor through a request of theirs; only following a link is served."""
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
    for address in ("/", "/api/projections/deals", "/static/page.js", "/live"):
        assert client.get(address, headers=sent).status_code == 403
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=followed).status_code == 200


@pytest.mark.parametrize(
    "folder", ["/static/", "/api/projections/", "/api/commands/", "/deals/", "/accounts/", "/record/", "/"]
)
@pytest.mark.parametrize(
    "name",
    ["../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cguard.py",
     "%2fetc%2fpasswd", "/etc/passwd", "page.css%00.html", "..%252f..%252fguard.py", "../guard.py", "templates/layout.html",
     "....//....//guard.py", "%c0%ae%c0%ae/guard.py", "~root"],
)  # fmt: skip
def test_path_that_climbs_finds_nothing(client: TestClient, folder: str, name: str) -> None:
    """Only files, projections and commands that there are, by their own names."""
    scope_path = folder + name
    answer = client.get(f"http://127.0.0.1:5180{scope_path}")
    assert answer.status_code in (400, 403, 404) or (
        answer.status_code == 200 and folder == "/" and name in (".", "..")
    )
    assert "root:" not in answer.text
    assert "def " not in answer.text
    assert "{%" not in answer.text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')", "SELECT * FROM '{file}'", "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_blob('{file}')", "SELECT * FROM parquet_scan('{file}')", "SELECT * FROM sniff_csv('{file}')",
        "COPY (SELECT 1) TO '{out}'", "EXPORT DATABASE '{out}'", "ATTACH '{out}'", "INSTALL httpfs", "LOAD '{out}'",
        "SET enable_external_access = true", "PRAGMA database_list", "CREATE TABLE t (a int)", "DELETE FROM deals",
        "SELECT 1; COPY (SELECT 1) TO '{out}'", "CALL pragma_version()", "SELECT * FROM sqlite_scan('{ledger}', 'stored_events')",
        "SELECT * FROM 'http://127.0.0.1:5180/'", "WITH x AS (SELECT * FROM read_text('{file}')) SELECT * FROM x",
        "SELECT getenv('HOME')", "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
        "SELECT * FROM read_json_auto('{file}')", "FROM duckdb_secrets()", "SELECT * FROM which_secret('a', 'b')",
        "EXPLAIN ANALYZE SELECT * FROM read_text('{file}')", "DESCRIBE '{file}'", "SUMMARIZE '{file}'",
    ],
)  # fmt: skip
def test_sql_reads_no_file_and_writes_nothing(serve: Serving, path: Path, tmp_path: Path, sql: str) -> None:
    """The query page and the API answer from projections alone."""
    file, out = tmp_path / "secret.csv", tmp_path / "out"
    file.write_text("word\nopen sesame\n", encoding="utf-8")
    told = sql.format(file=file, out=out, ledger=path)
    before, beside = path.read_bytes(), {f.name for f in tmp_path.iterdir()}
    with serve() as client:
        page = client.get("/query", params={"sql": told})
        answer = client.get("/api/commands/query", params={"sql": told})
        filtered = client.get("/api/projections/deals", params={"filter": f"owner:kim') UNION {told}"})
    assert 'class="problem"' in page.text
    assert answer.status_code in (400, 409), answer.text
    assert "sesame" not in page.text + answer.text + filtered.text
    assert path.read_bytes() == before
    assert {f.name for f in tmp_path.iterdir() if not f.name.startswith("sales.ledger")} <= beside


def test_no_command_that_works_on_files_is_served(serve: Serving, tmp_path: Path, path: Path) -> None:
    """Nor one that changes the ledger's layout, nor an option that names a file or another ledger."""
    listed = Served(str(path)).listed()
    assert not listed.keys() & {
        "init",
        "migrate",
        "import",
        "export",
        "backup",
        "restore",
        "demo",
        "serve",
        "completion",
        "record",
    }
    names = {field.name for command in listed.values() for field in command.fields}
    assert not names & {
        "file",
        "ledger",
        "output",
        "picture",
        "against",
        "public_key",
        "rules",
        "token_file",
        "projections",
    }
    other = tmp_path / "other.ledger"
    with serve() as client:
        for value in (f"--file={other}", f"-f{other}", f"--output={other}", "--help", "-", "--"):
            client.get("/api/commands/history", params={"deal": value})
            client.get("/api/commands/pipeline", params={"filters": value})
            client.get("/api/commands/process/template", params={"name": f"../../{value}"})
            client.post("/api/commands/process/define", json={"template": f"../../{value}"})
    assert not other.exists()


@pytest.mark.parametrize("address", [LEAD, "/login"])
@pytest.mark.parametrize("length", ["65537", "999999999999", "1" * 5000, "-1", "a", "1e9", "٣"])
def test_body_that_says_it_is_too_long_is_refused(serve: Serving, address: str, length: str) -> None:
    """Before any of it is read."""
    with serve() as client:
        answer = client.post(address, content=b"{}", headers=[(b"Content-Length", length.encode())])
    assert answer.status_code == 413


def test_body_that_grows_is_cut_off(serve: Serving, path: Path) -> None:
    """One that doesn't say how long it is ends where the limit is, and nothing is recorded."""
    before, sent = entries(path), 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 4096

    with serve() as client:
        for address in (LEAD, "/login"):
            sent = 0
            answer = client.post(address, content=endless(), headers={"Content-Type": "application/json"})
            assert answer.status_code == 413
            assert "Nothing was recorded" in answer.text
    assert entries(path) == before


def test_address_that_is_too_long_is_refused(client: TestClient) -> None:
    """With a status of its own."""
    assert client.get("/deals?filter=" + "a" * 9000).status_code == 414
    assert client.get("/deals/" + "a" * 9000).status_code == 414
    assert client.get("/deals?filter=" + "a" * 600).status_code == 400


@pytest.mark.parametrize(
    ("address", "status"),
    [("/", 200), ("/login", 200), ("/nothing", 404), ("/deals/nobody", 404), ("/?as_of=x", 400), ("/static/page.css", 200),
     ("/static/nothing", 404), ("/api/projections", 200), ("/api/nothing", 404), ("/api/commands/deal/win", 405), ("/log", 500)],
)  # fmt: skip
def test_headers_that_protect_are_on_every_answer(
    story: Path, monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    """On pages, files, JSON and problems alike, and on a fault, of which nothing is told."""
    app = make_app(Settings(story, clerks=1), Served(str(story), TODAY))
    with TestClient(app, base_url="http://127.0.0.1:5180", raise_server_exceptions=False) as client:
        if status == 500:
            monkeypatch.setattr(log_page, "entry_table", lambda *_a, **_k: 1 / 0)
        answer = client.get(address)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "Cache-Control" in answer.headers
    assert "division" not in answer.text
    assert "Traceback" not in answer.text


def test_policy_lets_nothing_in_from_elsewhere() -> None:
    """No script in a page or made from text, nothing of another origin, no frame, and forms only to here."""
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_refused(client: TestClient, method: str) -> None:
    """By every address."""
    for address in ("/", LEAD, "/static/page.css", "/login"):
        assert client.request(method, address).status_code in (405, 400)


def test_headers_that_a_proxy_adds_are_not_believed(serve: Serving, path: Path) -> None:
    """Neither another name, nor another method, nor another address, nor another visitor."""
    before = entries(path)
    told = {"X-Forwarded-Host": "evil.example", "X-Host": "evil.example", "Forwarded": "host=evil.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "10.0.0.1", "X-Original-URL": "/api/commands/seal", "X-Rewrite-URL": "/api/commands/seal",
            "X-HTTP-Method-Override": "POST", "X-Method-Override": "POST", "X-Remote-User": "root"}  # fmt: skip
    with serve() as client:
        page = client.get("/", headers=told)
        assert page.status_code == 200
        assert "evil.example" not in page.text
        assert client.get("/api/commands/lead/capture?_method=POST&company=Forged", headers=told).status_code == 405
        refused = client.get("/", headers={"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1:5180"})
        assert refused.status_code == 403
    with serve(tokens=TOKENS) as client:
        assert client.get("/api/projections", headers=told).status_code == 401
    assert entries(path) == before


@pytest.fixture(scope="module")
def port(story: Path) -> Iterator[int]:
    """A server as 'salesledger serve' runs it, at a port that is free."""
    config = config_of(Settings(story, port=0, clerks=1, read_only=True), Served(str(story), TODAY))
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def exchanged(port: int, sent: bytes) -> bytes:
    """What the server answers to some bytes, until it hangs up or says nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.settimeout(3)
        answer = b""
        try:
            connection.sendall(sent)
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass
    return answer


def test_what_is_no_http_is_refused_with_the_headers_that_protect(port: int) -> None:
    """It never gets as far as the pages; what answers it is the connection itself."""
    head = exchanged(port, b"nonsense\r\n\r\n").partition(b"\r\n\r\n")[0].decode("ascii")
    assert head.startswith("HTTP/1.1 400 ")
    for name, value in HEADERS.items():
        assert f"{name}: {value}".lower() in head.lower()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n", 200),
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /api/projections HTTP/1.0\r\n\r\n", 403),
        (b"GET http://evil.example/api/projections HTTP/1.1\r\nConnection: close\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET http://evil.example/api/projections HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\nX: " + b"a" * 700_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"a" * 700_000 + b" HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /api/projections HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\nX: a\rb\r\n\r\n", 400),
        (b"POST /login HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n", 400),
        (b"POST /login HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\nTransfer-Encoding: x, chunked\r\n\r\n{}", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_bytes_that_confuse_are_refused(port: int, sent: bytes, status: int) -> None:
    """Two hosts, none, whole URLs as addresses, endless headers, doubtful lengths: refused, or held against the own name."""
    answer = exchanged(port, sent)
    if answer or len(sent) < 32_768:  # of what is endless not all is read, and then the answer may be lost
        assert answer.split(b" ", 2)[1] == str(status).encode(), answer[:200]
    assert b"root:" not in answer
    if status != 200:
        assert b"pipeline" not in answer
