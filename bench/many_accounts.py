"""A scan of an organisation of 200 accounts in the emulator: memory, and that every account was seen.

`python -m bench.many_accounts 200`; the emulator answers about 250 calls a second, and that is what the time is.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3

from bench.measured import run
from bench.stage import HINOMI
from clouds.aws.login import bare_session
from demo.company import DATA
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from pipeline.installation import open_home

_REGION = "us-east-1"
_NAME = "aozora-foods"


def build(emulator: Emulator, accounts: int) -> None:
    """Make an organisation of so many accounts with two buckets and a key each."""
    organizations = emulator.client("organizations", _REGION)
    organizations.create_organization(FeatureSet="ALL")
    for number in range(accounts - 1):  # the management account is one of them
        made = organizations.create_account(Email=f"a{number}@example.com", AccountName=f"a{number}")
        keys = _keys(emulator, made["CreateAccountStatus"]["AccountId"])
        for name in ("logs", "data"):
            _client(emulator, keys, "s3").create_bucket(Bucket=f"{name}-{number}")
        _client(emulator, keys, "kms").create_key()


def _keys(emulator: Emulator, account: str) -> tuple[str, str, str]:
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    made = emulator.client("sts", _REGION).assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def _client(emulator: Emulator, keys: tuple[str, str, str], service: str) -> Any:
    session = boto3.Session(*keys, botocore_session=bare_session(None))
    return session.client(service, region_name=_REGION, endpoint_url=emulator.url)


def tenant_file(folder: Path) -> Path:
    """Write the file of a tenant that has the organisation."""
    role = f"arn:aws:iam::{ACCOUNT}:role/hinomi-read"
    block = f"organizations:\n  - {{management: '{ACCOUNT}', role: '{role}', regions: [{_REGION}]}}\n"
    text = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    text = re.sub(r"severity: \w+", "severity: critical", re.sub(r"scopes:\n(?:  .*\n)+", block, text))
    (folder / "tenant.yaml").write_text(text, encoding="utf-8")
    return folder / "tenant.yaml"


def main(accounts: int) -> None:
    """Build, scan, print."""
    emulator = Emulator(managed_policies=False)
    try:
        build(emulator, accounts)
        with tempfile.TemporaryDirectory() as name:
            folder, home = Path(name), str(Path(name) / "home")
            environment = emulator.environment()
            for command in (["init"], ["apply", str(tenant_file(folder))]):
                run([str(HINOMI), *command, "--home", home], environment, folder / "log")
            scan = run([str(HINOMI), "scan", _NAME, "--home", home], environment, folder / "log")
            with open_home(Path(home)).tenant(_NAME).read() as reader:
                scopes, rows = len(reader.scopes()), reader.asset_rows()
        print(
            f"{scopes} of {accounts} accounts seen, {rows} resources; wall {scan.wall:.0f} s, cpu {scan.cpu:.0f} s, "
            f"rss {scan.rss_mb:.0f} MB, exit {scan.exit_code}"
        )
    finally:
        emulator.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
