"""What stands before every request: Host allow-list, same origin, tokens, limits; and the headers of every response."""

from __future__ import annotations

import time
from collections import deque
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse

from salesledger.errors import SalesledgerError
from salesledger.web.problems import told, wants_json
from salesledger.web.roles import Token, Visitor, admitted
from salesledger.web.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "salesledger"
LONGEST_ADDRESS = 8 * 1024
TRIES = 10
"""Wrong tokens within a minute that are told so; further ones are told to wait. A right one is let in all the same: behind a proxy
all visitors come from one address, and nobody may lock out the others."""
MOST_SESSIONS = 1000

CHANGING = ("POST",)
METHODS = ("GET", "HEAD", *CHANGING)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every response. Scripts and styles come from files of this server alone: none in the page, none made from text.

No other site is told where a visitor came from. This one is: without a referrer, browsers send a form's origin as 'null', and it
couldn't be told from another site's.
"""

_SECRET_NAMES = frozenset({"token", "access_token", "auth", "api_key", "apikey", "key_token"})
_OPEN = ("/login", "/static/")


class Denied(SalesledgerError):
    """A request that isn't served, whoever asks."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Sessions:
    """Who has given a token, by the random text in their cookie."""

    def __init__(self) -> None:
        self._visitors: dict[str, Visitor] = {}
        self._failures: deque[float] = deque()

    def begin(self, visitor: Visitor) -> str:
        """The text of a new visitor's cookie."""
        while len(self._visitors) >= MOST_SESSIONS:
            del self._visitors[next(iter(self._visitors))]
        text = token_urlsafe(32)
        self._visitors[text] = visitor
        return text

    def end(self, text: str) -> None:
        """Forget a visitor."""
        self._visitors.pop(text, None)

    def visitor(self, text: str | None) -> Visitor | None:
        """Who has that cookie."""
        return self._visitors.get(text) if text else None

    def admit(self, tokens: Iterable[Token], secret: str) -> Token:
        """The token that a secret is.

        Raises:
            Denied: it is none; or it is none, and too many were wrong within a minute.
        """
        token = admitted(tokens, secret.strip())
        if token is not None:
            return token
        now = time.monotonic()
        while self._failures and self._failures[0] < now - 60:
            self._failures.popleft()
        if len(self._failures) >= TRIES:
            raise Denied(429, "Too many wrong tokens were given. Wait a minute.")
        self._failures.append(now)
        raise Denied(401, "That is not a token of this server.")


class Guard:
    """Lets a request through, or says why not.

    A page of another site can make a browser send requests here. So the name that the browser called us by must be one of ours
    (else a site's own name could be pointed at this machine), what changes something must come from our own pages, and nothing
    but a followed link may come from elsewhere.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self.app = app
        self.settings = settings
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(send)
        headers = Headers(scope=scope)
        try:
            check_host(headers, self.settings)
            check_address(scope, self.settings)
            check_origin(scope["method"], headers)
            visitor = self._visitor(headers)
            if visitor is None and not scope["path"].startswith(_OPEN):
                if wants_json(scope):
                    raise Denied(401, "A token is needed: send 'Authorization: Bearer TOKEN', or log in on the page.")
                await RedirectResponse("/login", 303)(scope, receive, send)
                return
            scope["state"] = {**scope.get("state", {}), "visitor": visitor}
            receive = _limited(headers, receive, self.settings.most_bytes)
            await self.app(scope, receive, send)
        except Denied as e:
            await told(scope, e, e.status)(scope, receive, send)

    def _visitor(self, headers: Headers) -> Visitor | None:
        if not self.settings.tokens:
            return self.settings.visitor
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.sessions.admit(self.settings.tokens, secret).visitor
        return self.sessions.visitor(cookie_parser(headers.get("cookie", "")).get(COOKIE))


def check_host(headers: Headers, settings: Settings) -> None:
    """Refuse a request that calls this server by a name that isn't its own.

    An address in digits can't be pointed elsewhere by anybody, so on a server that others may reach any will do.

    Raises:
        Denied: it does, or has no name, or two.
    """
    named = headers.getlist("host")
    name = host_name(named[0]) if len(named) == 1 else None
    own = LOOPBACK | settings.names | {settings.host.lower()}
    if name is None or not (name in own or (not settings.is_local and _is_address(name))):
        raise Denied(
            403,
            "This server isn't called that. Call it by the address that it printed when it started; further names are allowed with "
            "--allow-host.",
        )


def host_name(text: str) -> str | None:
    """The name or address in a Host header, in small letters; None where it is none."""
    try:
        parts = urlsplit(f"//{text}")
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if not port_is_sound or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def check_address(scope: Scope, settings: Settings) -> None:
    """Refuse what is no sound address: too long, or with a secret in it, which would stay in histories and logs.

    Raises:
        Denied: it is.
    """
    if scope["method"] not in METHODS:
        raise Denied(405, f"{scope['method']} isn't served here.")
    query: bytes = scope.get("query_string", b"")
    if len(query) + len(scope.get("raw_path", b"")) > LONGEST_ADDRESS:
        raise Denied(414, f"The address is longer than {LONGEST_ADDRESS} bytes.")
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    words = [*scope["path"].split("/"), *(word for pair in given for word in pair)]
    if any(name.lower() in _SECRET_NAMES for name, _ in given) or any(admitted(settings.tokens, w) for w in words if w):
        raise Denied(
            400,
            "A token never belongs in an address, where it would stay in histories and logs. Log in on the page, or send it as "
            "'Authorization: Bearer TOKEN'; and take another one, as this one was seen.",
        )


def check_origin(method: str, headers: Headers) -> None:
    """Refuse what another site's page sends: every change, and all but a link that somebody follows.

    Raises:
        Denied: it is from elsewhere.
    """
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    if method in CHANGING:
        if site not in ("same-origin", "none") or (origin is not None and not _is_own(origin, headers["host"])):
            raise Denied(403, "That was sent by a page of another site. Nothing was recorded.")
    elif site not in ("same-origin", "none") and headers.get("sec-fetch-mode") not in (None, "navigate"):
        raise Denied(403, "Pages of other sites see nothing here.")
    elif site not in ("same-origin", "none") and headers.get("sec-fetch-dest", "document") != "document":
        raise Denied(403, "This page can't be shown inside another one.")


def _is_own(origin: str, host: str) -> bool:
    return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _limited(headers: Headers, receive: Receive, most: int) -> Receive:
    """What reads the body of a request, and no more than so many bytes of it.

    Raises:
        Denied: it says that it has more.
    """
    length = headers.get("content-length")
    too_long = Denied(413, f"The request holds more than {most} bytes. Nothing was recorded.")
    if length is not None and (not length.isascii() or not length.isdigit() or len(length) > 18 or int(length) > most):
        raise too_long
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise too_long
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
