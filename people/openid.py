"""Sign-in at an OpenID provider by device code (RFC 8628; OpenID Connect Core 1.0, Discovery 1.0)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from msgspec import Struct

from model.canonical import instant
from model.fault import Refused
from model.installation import OpenId

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SCOPE = "openid email profile"
# Signatures by a private key only: with a shared secret, whoever verifies could also forge.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_SECONDS = 60
_INTERVAL_SECONDS, _SLOWER_BY_SECONDS = 5, 5  # what RFC 8628 says where the provider says nothing


class Identity(Struct, frozen=True):
    """Whom the provider vouches for; `email` is empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str = ""


class DeviceSignIn(Struct, frozen=True):
    """A sign-in that waits for its person, who opens the URI and enters the code; `expires_at` is RFC 3339."""

    device_code: str
    user_code: str
    verification_uri: str
    interval_seconds: int
    expires_at: str
    complete_uri: str = ""


class Waiting(Struct, frozen=True):
    """The person has not decided yet; ask again, so many seconds more slowly than before."""

    slower_by_seconds: int = 0


class OpenIdProvider:
    """One OpenID provider; nothing is kept between calls but what it says of itself."""

    def __init__(self, settings: OpenId, secret: str, http: httpx.Client) -> None:
        self._settings = settings
        self._secret = secret
        self._http = http
        self._metadata: dict[str, Any] = {}

    def start(self, now: datetime) -> DeviceSignIn:
        """Ask for a device code; raises `Refused` where the provider does not give one."""
        reply = self._post("device_authorization_endpoint", {"scope": _SCOPE})
        try:
            return DeviceSignIn(
                device_code=str(reply["device_code"]),
                user_code=str(reply["user_code"]),
                verification_uri=str(reply["verification_uri"]),
                interval_seconds=max(1, int(reply.get("interval", _INTERVAL_SECONDS))),
                expires_at=instant(now + timedelta(seconds=int(reply["expires_in"]))),
                complete_uri=str(reply.get("verification_uri_complete", "")),
            )
        except (KeyError, ValueError, TypeError, OverflowError):
            raise self._refused(f"gives no device code ({_error(reply)})") from None

    def ask(self, device_code: str) -> Identity | Waiting:
        """Ask once whether the person has signed in; raises `Refused` where that was denied or came too late."""
        reply = self._post("token_endpoint", {"grant_type": _GRANT, "device_code": device_code})
        match reply.get("error"):
            case "authorization_pending":
                return Waiting()
            case "slow_down":
                return Waiting(_SLOWER_BY_SECONDS)
            case "access_denied":
                raise Refused("the sign-in was denied at the provider")
            case "expired_token":
                raise Refused("the sign-in took too long; begin again with `hinomi login`")
        if "id_token" in reply:
            return self._identity(self._verified(str(reply["id_token"])))
        if "access_token" in reply:
            return self._identity(self._user_info(str(reply["access_token"])))
        raise self._refused(f"refuses the device code ({_error(reply)})")

    def _verified(self, id_token: str) -> Mapping[str, Any]:
        """Return the claims of an ID token that is signed by the provider, for us, and in time."""
        try:
            kid = jwt.get_unverified_header(id_token).get("kid")
            keys = jwt.PyJWKSet.from_dict(self._get(self._endpoint("jwks_uri")))
            key = next(key for key in keys.keys if kid is None or key.key_id == kid)
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except (jwt.PyJWTError, StopIteration) as problem:
            raise self._refused(f"sent an ID token that does not hold ({type(problem).__name__})") from None
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise self._refused("sent an ID token that was made for another client")
        return claims

    def _user_info(self, access_token: str) -> Mapping[str, Any]:
        return self._get(self._endpoint("userinfo_endpoint"), {"authorization": f"Bearer {access_token}"})

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject, email = claims.get("sub"), claims.get("email")
        if not isinstance(subject, str) or not subject or subject.startswith("email:"):
            raise self._refused("does not say who signed in")
        verified = isinstance(email, str) and claims.get("email_verified") is True
        return Identity(self._settings.issuer, subject, str(email).lower() if verified else "")

    def _endpoint(self, name: str) -> str:
        if not self._metadata:
            issuer = self._settings.issuer
            found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise self._refused(f"calls itself {str(found.get('issuer'))[:200]!r}; write the issuer like that")
            own = self._settings.device_authorization_endpoint
            self._metadata = found | ({"device_authorization_endpoint": own} if own else {})
        url = str(self._metadata.get(name, ""))
        if not url:
            raise self._refused(f"has no {name}; it has to support device codes (RFC 8628)")
        return url

    def _post(self, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        form = form | {"client_id": self._settings.client_id}
        if self._secret:
            form["client_secret"] = self._secret
        return self._send("POST", self._endpoint(endpoint), data=form)

    def _get(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        return self._send("GET", url, headers=headers)

    def _send(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        if not is_safe(url):
            raise self._refused("is reached without TLS; the issuer has to begin with https://")
        try:
            response = self._http.request(method, url, **request)
            reply = msgspec.json.decode(response.content)
        except httpx.HTTPError as problem:
            raise self._refused(f"does not answer ({type(problem).__name__})") from None
        except msgspec.DecodeError:
            raise self._refused(f"answers with something else than JSON (HTTP {response.status_code})") from None
        if not isinstance(reply, dict) or (method == "GET" and response.status_code != 200):
            raise self._refused(f"answers with HTTP {response.status_code}")
        return reply

    def _refused(self, problem: str) -> Refused:
        return Refused(f"the OpenID provider {self._settings.issuer} {problem}")


def is_safe(url: str) -> bool:
    """Return whether a URL is reached by TLS, or never leaves the machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def _error(reply: Mapping[str, Any]) -> str:
    return str(reply.get("error", "no reason given"))[:100]
