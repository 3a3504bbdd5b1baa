"""The accounts of an AWS organisation."""

from clouds.aws.login import home_region
from clouds.aws.read import AwsClient
from clouds.aws.replies import field
from clouds.call_failed import CallFailed
from model.fault import Refused

ACTIVE, CLOSED = "ACTIVE", "CLOSED"


def accounts(client: AwsClient, partition: str) -> dict[str, str]:
    """Return the state of each of an organisation's accounts, by id; raises `Refused` where they cannot be listed.

    `State` takes the place of `Status`, which AWS withdraws in 2026 and which calls closed accounts suspended too.
    """
    try:
        listed = field(client.call("organizations", home_region(partition), "list_accounts", {}), "Accounts")
        return {str(field(one, "Id")): str(one.get("State") or one.get("Status") or "") for one in listed}
    except CallFailed as failure:
        raise Refused(f"organizations:ListAccounts {failure.code}") from None
