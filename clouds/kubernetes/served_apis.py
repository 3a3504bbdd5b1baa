"""What an API server of Kubernetes serves of the types that we ask for, and how it describes them."""

import re
from typing import Any

from msgspec import Struct

# What a server of v1.35 serves of the types that we ask for: path of the API -> plural, kind, namespaced.
_APIS = {
    "/api/v1": (
        "pods Pod 1, nodes Node 0, namespaces Namespace 0, services Service 1, serviceaccounts ServiceAccount 1, "
        "secrets Secret 1, configmaps ConfigMap 1, persistentvolumes PersistentVolume 0, "
        "persistentvolumeclaims PersistentVolumeClaim 1, resourcequotas ResourceQuota 1, limitranges LimitRange 1, "
        "replicationcontrollers ReplicationController 1"
    ),
    "/apis/apps/v1": (
        "deployments Deployment 1, daemonsets DaemonSet 1, statefulsets StatefulSet 1, replicasets ReplicaSet 1"
    ),
    "/apis/batch/v1": "jobs Job 1, cronjobs CronJob 1",
    "/apis/rbac.authorization.k8s.io/v1": (
        "roles Role 1, clusterroles ClusterRole 0, rolebindings RoleBinding 1, clusterrolebindings ClusterRoleBinding 0"
    ),
    "/apis/networking.k8s.io/v1": "networkpolicies NetworkPolicy 1, ingresses Ingress 1, ingressclasses IngressClass 0",
    "/apis/policy/v1": "poddisruptionbudgets PodDisruptionBudget 1",
    "/apis/storage.k8s.io/v1": "storageclasses StorageClass 0, csidrivers CSIDriver 0",
    "/apis/admissionregistration.k8s.io/v1": (
        "validatingwebhookconfigurations ValidatingWebhookConfiguration 0, "
        "mutatingwebhookconfigurations MutatingWebhookConfiguration 0, "
        "validatingadmissionpolicies ValidatingAdmissionPolicy 0, "
        "validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding 0"
    ),
    "/apis/apiextensions.k8s.io/v1": "customresourcedefinitions CustomResourceDefinition 0",
    "/apis/apiregistration.k8s.io/v1": "apiservices APIService 0",
    "/apis/autoscaling/v2": "horizontalpodautoscalers HorizontalPodAutoscaler 1",
    "/apis/scheduling.k8s.io/v1": "priorityclasses PriorityClass 0",
    "/apis/node.k8s.io/v1": "runtimeclasses RuntimeClass 0",
    "/apis/certificates.k8s.io/v1": "certificatesigningrequests CertificateSigningRequest 0",
}
PATH = re.compile(
    r"(?P<api>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?"
)


class Resource(Struct, frozen=True):
    """A type that is served."""

    api: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def version(self) -> str:
        """Return the API version as objects have it."""
        return self.api.removeprefix("/apis/").removeprefix("/api/")


RESOURCES = {
    (api, plural): Resource(api, plural, kind, namespaced == "1")
    for api, returned in _APIS.items()
    for plural, kind, namespaced in (words.split() for words in returned.split(", "))
}


def discovery(path: str) -> dict[str, Any] | None:
    """Return what is answered to a question about versions, groups and types; None where it is none."""
    if path == "/version":
        return {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [api.removeprefix("/apis/") for api in _APIS if api.startswith("/apis/")]
        returned = [{"groupVersion": group, "version": group.split("/")[1]} for group in groups]
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {"name": one["groupVersion"].split("/")[0], "versions": [one], "preferredVersion": one}
                for one in returned
            ],
        }
    if path in _APIS:
        resources = [
            {"name": r.plural, "singularName": "", "namespaced": r.namespaced, "kind": r.kind, "verbs": ["get", "list"]}
            for r in RESOURCES.values()
            if r.api == path
        ]
        version = path.removeprefix("/apis/").removeprefix("/api/")
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
    return None
