"""The accounts of an AWS organisation."""

from clouds.aws import AwsDoor, CallFailed
from clouds.aws_login import home_region
from model.fault import Refused


def active_accounts(door: AwsDoor, partition: str) -> list[str]:
    """Return the ids of an organisation's active accounts, sorted; raises `Refused` where they cannot be listed."""
    try:
        reply = door.call("organizations", home_region(partition), "list_accounts", {})
    except CallFailed as failure:
        raise Refused(f"organizations:ListAccounts {failure.code}") from None
    return sorted(str(account["Id"]) for account in reply["Accounts"] if _is_active(account))


def _is_active(account: dict[str, object]) -> bool:
    """Tell whether an account can be entered: `State` takes the place of `Status`, which AWS withdraws in 2026."""
    return (account.get("State") or account.get("Status")) == "ACTIVE"
