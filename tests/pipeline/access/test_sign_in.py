"""Signing in at a real OpenID provider by device code; forged and foreign ID tokens."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from model.fault import Refused
from model.installation import OpenId
from model.person import Person
from people.openid import Identity, OpenIdProvider, Waiting
from pipeline.access.openid_sign_in import provider, wait_for
from pipeline.access.sign_in import Gate, NotSignedIn
from store.home import Home
from tests.conftest import MovingClock
from tests.passwords import QUICK
from tests.servers.openid_provider import CLIENT, PASSWORD

AT = "2026-06-01T00:00:00.000000Z"
FORMS = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module", params=["id-token", "userinfo"])
def issuer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("provider")
    command = [sys.executable, "-m", "tests.servers.openid_provider", str(port), str(folder), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["pid"]
        yield f"http://127.0.0.1:{port}/o"
        process.terminate()


@pytest.fixture
def settings(issuer: str) -> OpenId:
    return OpenId(issuer, CLIENT, device_authorization_endpoint=f"{issuer}/device-authorization/")


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def decide(started_uri: str, code: str, person: str, action: str) -> None:
    """Do in a browser what a person does: sign in, enter the code, accept or deny."""
    with httpx.Client(follow_redirects=True, timeout=10) as browser:

        def submit(url: str, form: dict[str, str]) -> httpx.Response:
            page = browser.get(url)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token, page.text
            return browser.post(str(page.url), data=form | {"csrfmiddlewaretoken": token[1]})

        origin = started_uri.split("/o/")[0]
        submit(f"{origin}/login/?next=/o/device/", {"username": person, "password": PASSWORD})
        confirm = submit(started_uri, {"user_code": code})
        assert "/device-confirm/" in str(confirm.url)
        submit(str(confirm.url), {"action": action})


def add(home: Home, id_: str, issuer: str, subject: str) -> None:
    with home.service.write(AT, "p") as session:
        session.people.put(Person(id_, id_, "ja", ("analyst",), ("aozora",), AT, issuer, subject))


@pytest.fixture
def gate(home: Home, clock: MovingClock) -> Gate:
    return Gate(home.service, lambda: b"k" * 32, clock, QUICK)


@pytest.mark.process
def test_a_person_signs_in_and_is_bound_to_the_providers_subject(
    settings: OpenId, http: httpx.Client, home: Home, gate: Gate, clock: MovingClock
) -> None:
    add(home, "sato", settings.issuer, "email:sato@soc.example")
    client = provider(settings, http)
    for _ in range(2):  # the second time by the subject, not by the address
        started = client.start(clock.now())
        assert client.ask(started.device_code) == Waiting()
        decide(started.verification_uri, started.user_code, "sato", "accept")
        actor = gate.actor(gate.with_identity(wait_for(client, started, clock)))
        assert (actor.name, actor.roles, actor.tenants) == ("sato", ("analyst",), ("aozora",))
    with home.service.read() as service:
        person = service.people.one("sato")
        assert person
        assert person.subject.isdigit(), "the provider's own subject"
    assert home.service.audit_fault() == ""


@pytest.mark.process
def test_an_address_that_nobody_verified_is_nobodys(
    settings: OpenId, http: httpx.Client, home: Home, gate: Gate, clock: MovingClock
) -> None:
    add(home, "sato", settings.issuer, "email:sato@soc.example")
    client = provider(settings, http)
    started = client.start(clock.now())
    decide(started.verification_uri, started.user_code, "mallory", "accept")
    with pytest.raises(NotSignedIn, match="nobody of this installation"):
        gate.with_identity(wait_for(client, started, clock))


@pytest.mark.process
def test_whoever_denies_is_not_signed_in(settings: OpenId, http: httpx.Client, clock: MovingClock) -> None:
    client = provider(settings, http)
    started = client.start(clock.now())
    decide(started.verification_uri, started.user_code, "sato", "deny")
    with pytest.raises(Refused, match="denied"):
        wait_for(client, started, clock)


@pytest.mark.process
def test_waiting_ends_when_the_code_does(settings: OpenId, http: httpx.Client, clock: MovingClock) -> None:
    client = provider(settings, http)
    started = client.start(clock.now())
    clock.sleep(3600)
    with pytest.raises(Refused, match="took too long"):
        wait_for(client, started, clock)


@pytest.mark.process
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"issuer": "http://127.0.0.1:1/o"}, "does not answer"),
        ({"issuer": "http://192.0.2.1/o"}, "without TLS"),
        ({"client_id": "somebody-else"}, "gives no device code"),
        ({"device_authorization_endpoint": None}, "has no device_authorization_endpoint"),
    ],
)
def test_a_provider_that_cannot_be_used_is_named(
    settings: OpenId, http: httpx.Client, clock: MovingClock, change: dict[str, Any], problem: str
) -> None:
    import msgspec

    client = provider(msgspec.structs.replace(settings, **change), http)
    with pytest.raises(Refused, match=problem):
        client.start(clock.now())


# What an attacker between us and the provider may send instead of its ID token. Each forgery gets the real claims, the
# provider's public key as PEM and the real token.
OTHER = rsa.generate_private_key(65537, 2048)
Forgery = Callable[[dict[str, Any], bytes, str], str]


def signed(claims: dict[str, Any], token: str, **change: Any) -> str:
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(claims | change, OTHER, algorithm="RS256", headers={"kid": kid})


def changed_subject(claims: dict[str, Any], _pem: bytes, token: str) -> str:
    import base64

    head, _, tail = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "2"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{tail}"


def hmac_with_the_public_key(claims: dict[str, Any], pem: bytes, _token: str) -> str:
    import base64
    import hashlib
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return f"{head}.{part(hmac.new(pem, head.encode(), hashlib.sha256).digest())}"


FORGERIES: dict[str, Forgery] = {
    "no signature": lambda claims, _pem, _token: jwt.encode(claims, "", algorithm="none"),
    "a shared secret": hmac_with_the_public_key,
    "another key": lambda claims, _pem, token: signed(claims, token),
    "a changed subject": changed_subject,
    "no token at all": lambda _claims, _pem, _token: "x.y.z",
}


class Forging(httpx.HTTPTransport):
    """Replaces ID tokens on their way."""

    def __init__(self, forge: Forgery) -> None:
        super().__init__()
        self._forge = forge

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if not request.url.path.endswith("/token/"):
            return response
        reply = json.loads(response.read())
        if "id_token" in reply:  # the waiting replies have none
            claims = jwt.decode(reply["id_token"], options={"verify_signature": False})
            keys = httpx.get(str(request.url).replace("/token/", "/.well-known/jwks.json")).json()
            public = jwt.PyJWKSet.from_dict(keys).keys[0].key
            pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            reply["id_token"] = self._forge(claims, pem, reply["id_token"])
        return httpx.Response(response.status_code, json=reply)


@pytest.mark.process
@pytest.mark.parametrize("issuer", ["id-token"], indirect=True)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_id_tokens_do_not_hold(settings: OpenId, clock: MovingClock, forgery: str) -> None:
    with httpx.Client(transport=Forging(FORGERIES[forgery]), timeout=10) as http:
        client = provider(settings, http)
        started = client.start(clock.now())
        decide(started.verification_uri, started.user_code, "sato", "accept")
        with pytest.raises(Refused, match="does not hold"):
            client.ask(started.device_code)


KEY = rsa.generate_private_key(65537, 2048)


class OneKey(httpx.BaseTransport):
    """A provider that is honest about its key; what it signs is up to the test."""

    def __init__(self, id_token: str) -> None:
        self._id_token = id_token

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        issuer = "https://id.example"
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "1", "use": "sig"}
        replies: dict[str, dict[str, Any]] = {
            "/.well-known/openid-configuration": {
                "issuer": issuer,
                "token_endpoint": f"{issuer}/token",
                "device_authorization_endpoint": f"{issuer}/device",
                "jwks_uri": f"{issuer}/keys",
            },
            "/device": {"device_code": "d", "user_code": "u", "verification_uri": issuer, "expires_in": 600},
            "/token": {"id_token": self._id_token},
            "/keys": {"keys": [jwk]},
        }
        return httpx.Response(200, json=replies[request.url.path])


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"aud": ["hinomi", "another"], "azp": "hinomi"}, True),
        ({"aud": "another"}, False),
        ({"aud": ["hinomi", "another"], "azp": "another"}, False),
        ({"iss": "https://evil.example"}, False),
        ({"exp": 1}, False),
        ({"nbf": 4_000_000_000}, False),
        ({"sub": ""}, False),
        ({"sub": None}, False),
    ],
)
def test_id_tokens_hold_for_us_and_in_time_only(change: dict[str, Any], holds: bool, clock: MovingClock) -> None:
    """The claims that OpenID Connect Core 1.0 (3.1.3.7) has a client check."""
    now = int(time.time())
    claims = {"iss": "https://id.example", "aud": "hinomi", "sub": "42", "iat": now, "exp": now + 60} | change
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "1"})
    with httpx.Client(transport=OneKey(token)) as http:
        client = OpenIdProvider(OpenId("https://id.example", "hinomi"), "", http)
        started = client.start(clock.now())
        if holds:
            assert client.ask(started.device_code) == Identity("https://id.example", "42")
        else:
            with pytest.raises(Refused, match=r"does not hold|another client|does not say who"):
                client.ask(started.device_code)


def test_the_provider_module_keeps_no_secret_in_its_errors(http: httpx.Client, clock: MovingClock) -> None:
    client = OpenIdProvider(OpenId("http://127.0.0.1:1/o", "hinomi"), "the-client-secret", http)
    with pytest.raises(Refused) as refused:
        client.start(clock.now())
    assert "the-client-secret" not in str(refused.value)


def test_the_folder_of_a_home_names_its_provider(tmp_path: Path) -> None:
    from pipeline.installation import settings as read_settings

    (tmp_path / "installation.yaml").write_text("sign_in: {issuer: https://id.example, client_id: hinomi}\n")
    assert read_settings(tmp_path).sign_in == OpenId("https://id.example", "hinomi")


@pytest.mark.parametrize(
    ("proxies", "place", "problem"),
    [
        ("[10.0.0.1, 10.0.0.300]", "2:21", "'10.0.0.300' is no address and no network"),
        ("[10.0.0.1/8]", "2:11", "is no address and no network"),
        ("['proxy.example']", "2:11", "is no address and no network"),
        ("['']", "2:11", "is no address and no network"),
        ("['*']", "2:11", "is no address and no network"),
        ("[0.0.0.0/0]", "2:11", "is everybody"),
        ("['::/0']", "2:11", "is everybody"),
        ("10.0.0.1", "2:10", "has to be"),
        ("[1]", "2:11", "has to be text"),
    ],
)
def test_proxies_that_nobody_has_are_refused(tmp_path: Path, proxies: str, place: str, problem: str) -> None:
    from pipeline.installation import settings as read_settings

    (tmp_path / "installation.yaml").write_text(f"# ours\nproxies: {proxies}\n")
    with pytest.raises(Refused) as refused:
        read_settings(tmp_path)
    (fault,) = refused.value.faults
    assert (f"{fault.line}:{fault.column}", problem in fault.problem) == (place, True), fault.problem


def test_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    from pipeline.installation import settings as read_settings

    (tmp_path / "installation.yaml").write_text('proxies: ["127.0.0.1", "10.0.0.0/24", "::1", "2001:db8::/32"]\n')
    assert len(read_settings(tmp_path).proxies) == 4
