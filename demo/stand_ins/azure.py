"""A small Azure on this machine: sign-in, Resource Manager, Resource Graph and Microsoft Graph, over TLS, from data.

It answers what the demonstration and the tests state, in the real services' forms, and takes the writes that
`demo/stand_ins/azure_writes.py` knows. Forms: Microsoft identity platform (OAuth 2.0 client credentials), Azure
Resource Manager's REST guidelines, Resource Graph's `resources` operation.
"""

import ipaddress
import json
import re
import ssl
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct, field

from demo.stand_ins.azure_writes import Answer, Body, Writes, error

CLIENT, SECRET = "22222222-2222-4222-8222-222222222222", "stand-in"
_TYPES = re.compile(r"where type in~ \(([^)]*)\)")
_ONE_TYPE = re.compile(r"where type =~ '([^']*)'")
_EVERYTHING: Body = {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}


class Subscription(Struct, forbid_unknown_fields=True):
    """A subscription: rows by Resource Graph's tables, and what stands at paths of Resource Manager.

    A path may begin with `$id`, the subscription's; a list at a path is answered page by page.
    """

    id: str
    name: str = "Subscription"
    state: str = "Enabled"
    tables: dict[str, list[Body]] = {}
    paths: dict[str, Body | list[Body]] = {}
    permissions: list[Body] = field(default_factory=lambda: [_EVERYTHING])


class Company(Struct, forbid_unknown_fields=True):
    """A directory with its subscriptions; `graph` is what stands at paths of Microsoft Graph."""

    directory: str
    subscriptions: list[Subscription]
    management_groups: dict[str, list[str]] = {}
    graph: dict[str, Body | list[Body]] = {}


class StandIn:
    """Answers requests; `calls` counts them by method and path."""

    def __init__(self, company: Company, page: int = 100) -> None:
        self.company = company
        self.page = page
        self.calls: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.url = ""
        self.writes = Writes(self)
        self._issued = 0

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the service says to a request: its method, its target (path and query), headers and body."""
        parts = urlsplit(target)
        self.calls[f"{method} {parts.path}"] += 1
        if "/oauth2/" in parts.path or "/.well-known/" in parts.path:
            return self._sign_in(parts.path, body)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return error(401, "InvalidAuthenticationToken", {"www-authenticate": 'Bearer error="invalid_token"'})
        if method == "POST" and parts.path.lower() == "/providers/microsoft.resourcegraph/resources":
            return self._rows(json.loads(body))
        if method in ("PUT", "PATCH", "DELETE"):
            return self.writes.answer(method, parts.path, headers, body)
        if (returned := self.writes.answer_to(parts.path)) is not None:
            return returned
        if method != "GET":
            return error(405, "MethodNotAllowed")
        skip = int(parse_qs(parts.query).get("$skiptoken", ["0"])[0])
        return self._at(parts.path, parts.query, skip)

    def _sign_in(self, path: str, body: bytes) -> Answer:
        directory = path.split("/")[1]
        if path.endswith("/.well-known/openid-configuration"):
            base = f"{self.url}/{directory}"
            returned = {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
            return Answer(200, returned)
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if asked.get("client_id") != CLIENT or asked.get("client_secret") != SECRET:
            return Answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215"})
        self._issued += 1
        token = f"token-{self._issued}"
        self.tokens.add(token)
        return Answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _rows(self, asked: Body) -> Answer:
        query, options = str(asked["query"]), asked.get("options") or {}
        table = query.split(" ", 1)[0]
        wanted = self._wanted(query)
        rows = [
            row
            for subscription in self._asked(asked)
            for row in self._table(table, subscription)
            if wanted is None or str(row.get("type", "")).lower() in wanted
        ]
        rows.sort(key=lambda row: str(row.get("id", "")).lower())
        start = int(options.get("$skipToken") or 0)
        size = min(int(options.get("$top", 100)), self.page)
        page = rows[start : start + size]
        returned: Body = {"totalRecords": len(rows), "count": len(page), "resultTruncated": "false", "data": page}
        if start + size < len(rows):
            returned |= {"$skipToken": str(start + size)}
        return Answer(200, returned, {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"})

    def _wanted(self, query: str) -> set[str] | None:
        if found := _TYPES.search(query):
            return {name.strip().strip("'") for name in found[1].split(",")}
        return {one[1]} if (one := _ONE_TYPE.search(query)) else None

    def _asked(self, asked: Body) -> list[Subscription]:
        ids = [id_ for group in asked.get("managementGroups") or [] for id_ in self.company.management_groups[group]]
        ids += asked.get("subscriptions") or []
        return [one for one in self.company.subscriptions if one.id in ids]

    def _table(self, table: str, subscription: Subscription) -> list[Body]:
        own = {
            "id": f"/subscriptions/{subscription.id}",
            "name": subscription.name,
            "type": "microsoft.resources/subscriptions",
            "subscriptionId": subscription.id,
            "properties": {"state": subscription.state},
        }
        rows = [filled(row, f"/subscriptions/{subscription.id}") for row in subscription.tables.get(table, [])]
        return [*([own] if table == "resourcecontainers" else []), *rows]

    def _at(self, path: str, query: str, skip: int) -> Answer:
        found = self._things().get(path.lower())
        if found is None:
            return self._nothing_at(path)
        if isinstance(found, dict):
            return Answer(200, found)
        returned: Body = {"value": found[skip : skip + self.page]}
        if skip + self.page < len(found):
            version = "".join(f"&{part}" for part in query.split("&") if part.startswith("api-version"))
            returned["nextLink"] = f"{self.url}{path}?$skiptoken={skip + self.page}{version}"
        return Answer(200, returned)

    def _things(self) -> dict[str, Body | list[Body]]:
        """Return everything that stands at a path, by the path in small letters."""
        things: dict[str, Body | list[Body]] = {path.lower(): body for path, body in self.company.graph.items()}
        things["/subscriptions"] = [_of(one) for one in self.company.subscriptions]
        for one in self.company.subscriptions:
            own = f"/subscriptions/{one.id}"
            things[own.lower()] = _of(one)
            things[f"{own}/providers/microsoft.authorization/permissions"] = one.permissions
            for rows in one.tables.values():
                things |= {str(filled(row, own)["id"]).lower(): filled(row, own) for row in rows}
            things |= {path.replace("$id", own).lower(): filled(body, own) for path, body in one.paths.items()}
        return things

    def rows(self) -> Iterator[Body]:
        """Yield the rows of all tables, to be changed in place; ids may begin with `$id`."""
        for one in self.company.subscriptions:
            for rows in one.tables.values():
                yield from rows

    def full_id(self, row: Body) -> str:
        """Return the id of a row in small letters."""
        for one in self.company.subscriptions:
            if any(row is other for rows in one.tables.values() for other in rows):
                return str(filled(row["id"], f"/subscriptions/{one.id}")).lower()
        return str(row["id"]).lower()

    def saved(self) -> None:
        """Do nothing: what was changed is in memory."""

    def _nothing_at(self, path: str) -> Answer:
        """Return an empty list for a list below something that is there, as the services do."""
        above = path.lower().rsplit("/providers/", 1)[0]
        parent = path.lower().rsplit("/", 1)[0]
        if {above, parent} & self._things().keys():
            return Answer(200, {"value": []})
        return error(404, "ResourceNotFound")


def filled(value: Any, own: str) -> Any:
    """Return data with `$id` replaced by the subscription's id."""
    if isinstance(value, str):
        return value.replace("$id", own)
    if isinstance(value, dict):
        return {key: filled(inner, own) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, own) for inner in value]
    return value


def _of(subscription: Subscription) -> Body:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "subscriptionId": subscription.id,
        "displayName": subscription.name,
        "state": subscription.state,
    }


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the stand-in of its server, and its answer back."""

    protocol_version = "HTTP/1.1"
    stand_in: StandIn

    def converse(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send(self.stand_in.answer(self.command, self.path, headers, body))

    def send(self, answer: Answer) -> None:
        """Send one answer."""
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in ({"content-type": "application/json"} | answer.headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = converse

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextmanager
def running(stand_in: StandIn, handler: type[Handler] = Handler) -> Iterator[dict[str, str]]:
    """Run the stand-in; yields the environment that leads to it, signed in as an app registration."""
    with tempfile.TemporaryDirectory(prefix="hinomi-azure-") as folder:
        ca, chain = _certificates(Path(folder))
        own = type("Own", (handler,), {"stand_in": stand_in})
        server = ThreadingHTTPServer(("127.0.0.1", 0), own)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        stand_in.url = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield {
                "HINOMI_AZURE_ENDPOINT": stand_in.url,
                "HINOMI_AZURE_CA": str(ca),
                "AZURE_TENANT_ID": stand_in.company.directory,
                "AZURE_CLIENT_ID": CLIENT,
                "AZURE_CLIENT_SECRET": SECRET,
            }
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _certificates(folder: Path) -> tuple[Path, Path]:
    """Write an authority's certificate, and one of its for 127.0.0.1 with the key; return both files."""
    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Hinomi stand-in authority")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])

    def made(of: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(of)
            .issuer_name(authority)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    signs = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False, **signs
    )
    root = (
        made(authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
    )
    leaf = made(subject, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    pem = serialization.Encoding.PEM
    ca, chain = folder / "ca.pem", folder / "server.pem"
    ca.write_bytes(root.sign(authority_key, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(leaf.sign(authority_key, hashes.SHA256()).public_bytes(pem) + private)
    return ca, chain
