"""Web requests to one server that a tenant's file names: to the addresses that were judged, and nowhere else."""

import ssl
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

import httpx2

from outgoing.border import Border, Denied

_PORTS = {"http": 80, "https": 443}


class Caller(NamedTuple):
    """Whom a client trusts, and who it says that it is; without either the usual CAs, and nobody."""

    trust: ssl.SSLContext | None = None
    auth: httpx2.Auth | None = None


def client(url: str, border: Border, timeout: httpx2.Timeout, caller: Caller = Caller()) -> httpx2.Client:
    """Return a client of a caller for the server of a URL, which follows no redirect.

    Its addresses are looked up and judged by the border now, and hold for the client's life; each answer is waited for
    until the timeout. Raises `Denied`, for what is no URL too.

    The environment's proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) is the operator's and is used. It looks the
    name up itself: what was judged here is judged only here.
    """
    try:
        server = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise Denied from None
    addresses = border.addresses(*host_and_port(server))
    proxy = _proxy(server)
    inner = httpx2.HTTPTransport(verify=caller.trust or _usual_trust(), proxy=proxy, trust_env=False)
    transport = _Pinned(server, [] if proxy else addresses, inner)
    return httpx2.Client(transport=transport, auth=caller.auth, timeout=timeout, trust_env=False, base_url=url)


def host_and_port(url: httpx2.URL) -> tuple[str, int]:
    """Return the host of a URL as it would be looked up, and the port; an empty host for what is no web address."""
    if url.scheme not in _PORTS:
        return "", 0
    return url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]


def is_proxied() -> bool:
    """Return whether the environment names a proxy for web requests, which finds names that are not known here."""
    return bool({"http", "https", "all"} & getproxies().keys())


class _Pinned(httpx2.BaseTransport):
    """Connects to addresses in place of a server's name, which TLS goes on to ask for and to verify.

    Without addresses it leaves the name to a proxy. It is for the one server: connections are kept by address, so that
    another name at the same one would go over a connection on which the first was verified.
    """

    def __init__(self, server: httpx2.URL, addresses: Sequence[str], inner: httpx2.BaseTransport) -> None:
        self._server, self._addresses, self._inner = server, addresses, inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer of the first address that takes a connection; raises `Denied` for another server's URL."""
        if request.url.scheme != self._server.scheme or host_and_port(request.url) != host_and_port(self._server):
            raise Denied
        if not self._addresses:
            return self._inner.handle_request(request)
        *others, last = self._addresses
        for address in others:
            try:
                return self._inner.handle_request(_at(address, request))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return self._inner.handle_request(_at(last, request))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _at(address: str, request: httpx2.Request) -> httpx2.Request:
    """Return a request as it goes to an address: the header Host and the name in TLS stay the server's."""
    name = request.url.raw_host.decode("ascii")
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": name},
    )


def _proxy(url: httpx2.URL) -> httpx2.Proxy | None:
    """Return the environment's proxy for a URL, if any."""
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all")
    if not proxy or proxy_bypass(f"{url.host}:{url.port}" if url.port else url.host):
        return None
    return httpx2.Proxy(proxy if "://" in proxy else f"http://{proxy}")


@cache
def _usual_trust() -> ssl.SSLContext:
    """Return whom everybody trusts; reading it takes 20 ms."""
    return httpx2.create_ssl_context()
