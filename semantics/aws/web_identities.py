"""Whose identities the claims of OpenID Connect providers name: what may vary decides, not where a wildcard stands.

Sources: IAM User Guide, «Identity-provider controls for shared OIDC providers» (shared providers and the claim that
names the tenant), «Available keys for AWS OIDC federation»; for the forms of subjects GitHub Docs, «OpenID
Connect reference», GitLab Docs, «OpenID Connect (OIDC) authentication using ID tokens», HashiCorp, «Dynamic provider
credentials», Buildkite, «OIDC with AWS», Amazon EKS User Guide, «IAM roles for service accounts».
"""

import re

from semantics.aws.fixed_values import Patterns, is_open, whole

# Where a subject begins like this, or goes on so behind a colon, up to which character it says whose it is.
_OWNERS = {
    "repo:": "/",
    "repository:": "/",
    "repository_id:": ":",
    "repository_owner:": ":",
    "repository_owner_id:": ":",
    "job_workflow_ref:": "/",
    "enterprise:": ":",
    "enterprise_id:": ":",
    "project_path:": "/",
    "organization:": ":",
    "account:": ":",
    "owner:": ":",
    "system:serviceaccount:": ":",
}
# Their jobs may be given any subject without an owner in it (GitHub Docs, «Customizing the token claims»).
_FREELY_NAMED = frozenset({"token.actions.githubusercontent.com", "vstoken.actions.githubusercontent.com"})
_SHARED = _FREELY_NAMED | {
    "agent.buildkite.com",
    "app.terraform.io",
    "gitlab.com",
    "oidc.codefresh.io",
    "oidc-configuration.audit-log.githubusercontent.com",
    "proidc.upbound.io",
    "scalr.io",
    "studio.datachain.ai/api",
    "tokens.cloud.shisho.dev",
}
# The claims other than the subject that name a tenant, or somebody.
_NAMING_CLAIMS = frozenset(
    {
        "accounts.google.com:aud",
        "api.pulumi.com/oidc:aud",
        "cognito-identity.amazonaws.com:aud",
        "graph.facebook.com:app_id",
        "graph.facebook.com:id",
        "oidc.vercel.com:aud",
        "sandboxes.cloud:aud",
        "www.amazon.com:app_id",
        "www.amazon.com:user_id",
    }
)
_TWO_SEGMENTS = re.compile(r"[^:/]+[:/][^:/]+[:/]")


def is_claim(key: str) -> bool:
    """Return whether a condition key, in lower case, is a claim that may name identities; an audience alone is none."""
    return key.endswith(":sub") or key in _NAMING_CLAIMS


def name_identities(key: str, patterns: Patterns) -> bool:
    """Return whether the values of a claim leave no identity of strangers in."""
    if key in _NAMING_CLAIMS:
        return whole(patterns)
    issuer = key.removesuffix(":sub")
    return all(_is_ones_own(pattern, issuer) for pattern in patterns)


def _is_ones_own(subject: str, issuer: str) -> bool:
    fixed = re.split(r"[*?]", subject, maxsplit=1)[0]
    owners = [_names_owner(fixed, form, not is_open(subject)) for form in _OWNERS if _has_form(fixed, form)]
    if owners:
        return any(owners)
    if issuer in _FREELY_NAMED:
        return False
    if issuer in _SHARED and is_open(subject):
        return bool(_TWO_SEGMENTS.match(fixed))
    return bool(fixed)


def _has_form(fixed: str, form: str) -> bool:
    return fixed.startswith(form) or f":{form}" in fixed


def _names_owner(fixed: str, form: str, to_the_end: bool) -> bool:
    owner, end, _ = f":{fixed}".partition(f":{form}")[2].partition(_OWNERS[form])
    return bool(owner) and (bool(end) or to_the_end)
