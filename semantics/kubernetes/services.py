"""Whether the load balancer that a cloud makes for a Service is open to the internet.

Sources: Kubernetes, «Service», «Internal load balancer» (an annotation for each cloud), and «well-known annotations»
(`load-balancer-source-ranges`); cloud-provider-aws, `EnsureLoadBalancer` (whatever is not empty and not `false` is
internal); AWS Load Balancer Controller, «Network Load Balancer» and «Service annotations» (internal unless the scheme
says otherwise); cloud-provider-gcp, `LoadBalancerAnnotationType` (`internal` is an older spelling), and ingress-gce,
`RegionalInternalLoadBalancerClass`.
"""

from collections.abc import Sequence

from semantics.shapes import TEXT, mapping
from semantics.values import Document

ANNOTATIONS = mapping(others=TEXT)

_BETA = "service.beta.kubernetes.io"
_INTERNAL = {
    f"{_BETA}/azure-load-balancer-internal": ("true",),
    "networking.gke.io/load-balancer-type": ("Internal", "internal"),
    "cloud.google.com/load-balancer-type": ("Internal", "internal"),
    "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": ("private",),
    f"{_BETA}/openstack-internal-load-balancer": ("true",),
    f"{_BETA}/cce-load-balancer-internal-vpc": ("true",),
    f"{_BETA}/alibaba-cloud-loadbalancer-address-type": ("intranet",),
    f"{_BETA}/oci-load-balancer-internal": ("true",),
}
_TENCENT_SUBNET = "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid"
_GKE_CLASSES = ("networking.gke.io/l4-regional-internal", "networking.gke.io/l4-regional-internal-legacy")
# Classes and types that AWS's own controller takes care of: the second class is that of EKS Auto Mode.
_AWS_CLASSES = ("service.k8s.aws/nlb", "eks.amazonaws.com/nlb")
_AWS_TYPES = ("external", "nlb-ip")
_AWS = f"{_BETA}/aws-load-balancer"
_SOURCE_RANGES = f"{_BETA}/load-balancer-source-ranges"


def is_internal_load_balancer(annotations: Document | None, load_balancer_class: str) -> bool:
    """Return whether a Service's annotations and its class make its load balancer one within the cloud's network."""
    said = annotations or {}
    return (
        any(said.get(name) in values for name, values in _INTERNAL.items())
        or bool(said.get(_TENCENT_SUBNET))
        or load_balancer_class in _GKE_CLASSES
        or _is_internal_in_aws(said, load_balancer_class)
    )


def _is_internal_in_aws(said: Document, load_balancer_class: str) -> bool:
    if scheme := said.get(f"{_AWS}-scheme"):
        return bool(scheme == "internal")
    if internal := said.get(f"{_AWS}-internal"):
        return bool(internal != "false")
    return load_balancer_class in _AWS_CLASSES or said.get(f"{_AWS}-type") in _AWS_TYPES


def source_ranges(ranges: Sequence[str], annotations: Document | None) -> list[str]:
    """Return the CIDR blocks that a Service's load balancer lets in: its field's, else its annotation's.

    None are all.
    """
    said = str((annotations or {}).get(_SOURCE_RANGES, ""))
    return [*ranges] or [block.strip() for block in said.split(",") if block.strip()]
