"""Signing in at the OpenID provider: its client, and waiting for the person."""

import httpx

from model.canonical import instant
from model.clock import Clock
from model.installation import OpenId
from people.openid import DeviceSignIn, Identity, OpenIdProvider
from pipeline.access.sign_in import NotSignedIn
from pipeline.secrets import secret


def provider(settings: OpenId, http: httpx.Client) -> OpenIdProvider:
    """Return the OpenID provider that people sign in at."""
    return OpenIdProvider(settings, secret(settings.client_secret).decode() if settings.client_secret else "", http)


def wait_for(provider: OpenIdProvider, started: DeviceSignIn, clock: Clock) -> Identity:
    """Ask the provider until the person has decided on the sign-in that was `started`; the clock waits in between.

    Raises `NotSignedIn` where that takes longer than the provider waits, and `Refused` where they deny it.
    """
    interval = started.interval_seconds
    while instant(clock.now()) < started.expires_at:
        clock.sleep(interval)
        answer = provider.ask(started.device_code)
        if isinstance(answer, Identity):
            return answer
        interval += answer.slower_by_seconds
    raise NotSignedIn("the sign-in took too long; begin again with `hinomi login`")
