"""Which hosts of an Ingress are served with TLS.

Source: Kubernetes API reference, IngressSpec, IngressTLS (`hosts` defaults to the wildcard host); «Ingress», «Hostname
wildcards» (a wildcard stands for one label).
"""

from collections.abc import Sequence

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

RULE = mapping({"host": TEXT})
TLS = mapping({"hosts": listing(TEXT)})
_EVERY = "*"


def served_hosts(rules: Sequence[Document], tls: Sequence[Document]) -> list[Document]:
    """Return the hosts of an Ingress's rules as `host`, `*` for every one, and whether TLS is there for it as `tls`."""
    named = {host.lower() for one in tls for host in one.get("hosts") or []}
    for_all = any(not one.get("hosts") for one in tls)
    hosts = [str(rule.get("host") or _EVERY) for rule in rules] or [_EVERY]
    return [{"host": host, "tls": for_all or _is_covered(host.lower(), named)} for host in hosts]


def _is_covered(host: str, named: set[str]) -> bool:
    _, dot, parent = host.partition(".")
    return host in named or bool(dot and f"*.{parent}" in named)
