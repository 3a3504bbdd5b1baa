"""A key and a certificate in the tenant's own folder open what they are for; what is none is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from model.fault import Refused
from model.tenant import Tenant
from pipeline.providers.provider import opening_of
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import TenantSecrets
from pipeline.tenants.scopes import discovered
from tests.conftest import MovingClock
from tests.recorded_clouds import TENANT

UUID = "11111111-2222-4333-8444-555555555555"
PLACES: dict[str, dict[str, Any]] = {
    "azure": {
        "directory": UUID,
        "subscriptions": [UUID],
        "write": {"client": UUID, "certificate": "file:opens"},
    },
    "google": {"projects": ["aozora-shop"], "write": {"key": "file:opens"}},
}


def opened(home: Path, cloud: str, content: bytes) -> object:
    folder = home / "secrets" / TENANT.tenant
    folder.mkdir(parents=True)
    (folder / "opens").write_bytes(content)
    tenant = msgspec.convert(msgspec.to_builtins(TENANT) | {"scopes": [], cloud: [PLACES[cloud]]}, Tenant)
    (scope,) = discovered(tenant, "", MovingClock(), secrets=TenantSecrets(tenant.tenant, home)).found
    return opening_of(scope, PROVIDERS).connect_write(scope, [], MovingClock())


@pytest.fixture(scope="module")
def opens() -> dict[str, bytes]:
    """Return for each cloud what opens it."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hinomi")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    told = {
        "type": "service_account",
        "client_email": "a@b.example",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {"azure": pem + certificate, "google": json.dumps(told | {"private_key": pem.decode()}).encode()}


@pytest.mark.process  # the SDK asks for the machine's name when it is imported
@pytest.mark.parametrize("cloud", PLACES)
def test_it_opens_by_what_the_file_holds(tmp_path: Path, opens: dict[str, bytes], cloud: str) -> None:
    opened(tmp_path, cloud, opens[cloud]).close()  # type: ignore[attr-defined]


@pytest.mark.process
@pytest.mark.parametrize("cloud", PLACES)
@pytest.mark.parametrize("content", [b"no key", b"\xff", b"[]", b"{}"])
def test_what_opens_nothing_is_refused_and_not_repeated(tmp_path: Path, cloud: str, content: bytes) -> None:
    with pytest.raises(Refused, match="cannot be used") as refused:
        opened(tmp_path, cloud, content)
    assert content.decode("ascii", "replace") not in str(refused.value)
