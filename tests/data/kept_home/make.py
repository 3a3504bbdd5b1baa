"""Make the home, the archive and the answers that tests/cli/test_kept_home.py reads.

They were made once, by the program as it was before its classes, variables and texts were called by the field's words,
and stay as they are: a later program must read them. Run in a checkout of that time as
`python -m tests.data.kept_home.make FOLDER`.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import boto3

from bench.people import tokens
from demo.stand_ins.aws_emulator import Emulator

HERE = Path(__file__).parent
TENANT = "aozora"
PLAYBOOK = "aws.s3.block-public-access"
# What is asked of the home and of what was restored from the archive; each answer is kept as a file of its own.
ASKED = {
    "findings.jsonl": ("findings", TENANT, "--all", "--format", "jsonl"),
    "findings.csv": ("findings", TENANT, "--all", "--format", "csv"),
    "findings.ocsf": ("findings", TENANT, "--all", "--format", "ocsf"),
    "assets.jsonl": ("assets", "list", TENANT, "--format", "jsonl"),
    "plan.json": ("show", TENANT, "PLAN", "--format", "json"),
}


def main(folder: Path) -> None:
    """Make everything anew in a folder."""
    emulator = Emulator(managed_policies=False)
    try:
        with tempfile.TemporaryDirectory() as place:
            _make(emulator, Path(place) / "home", folder)
    finally:
        emulator.stop()


def _make(emulator: Emulator, home: Path, folder: Path) -> None:
    environment = emulator.environment() | {"HINOMI_HOME": str(home), "COLUMNS": "200", "HOOK": "x" * 32}
    os.environ.update(environment)
    s3 = boto3.client("s3", region_name="ap-northeast-1", endpoint_url=emulator.url)
    for name in ("one", "two"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})

    def hinomi(*arguments: str, who: str = "", ends: tuple[int, ...] = (0,)) -> str:
        token = {"HINOMI_TOKEN": people[who]} if who else {}
        command = [sys.executable, "-m", "cli", *arguments]
        ran = subprocess.run(command, env=environment | token, capture_output=True, text=True, check=False)
        assert ran.returncode in ends, (arguments, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    people: dict[str, str] = {}
    hinomi("init")
    hinomi("apply", str(HERE / "tenant.yaml"))
    people |= tokens(home, TENANT, {"aki": "analyst", "ken": "lead", "rin": "lead"})
    hinomi("scan", TENANT, who="aki", ends=(0, 3))
    policy = "aws.s3.insecure-transport-allowed"
    reason = ("--reason", "in a closed network", "--expires", "2027-06-30")
    hinomi("exceptions", "add", TENANT, "--policy", policy, "--resource", "one", *reason, who="ken")
    hinomi("plan", TENANT, PLAYBOOK, who="aki")
    plan = next(word for word in hinomi("status", TENANT).split() if len(word) == 12)
    whole = hinomi("show", TENANT, plan, "--format", "json")
    hash_ = whole.split('"hash":"')[1][:64]
    hinomi("approve", TENANT, plan, "--hash", hash_, who="ken")
    hinomi("run", TENANT, plan, who="aki")
    hinomi("rollback", TENANT, plan, "--resource", "one", who="aki")
    hinomi("changes", "halt", TENANT, "--reason", "incident", who="ken")
    hinomi("backup", str(folder / "backup.zip"))
    with zipfile.ZipFile(folder / "answers.zip", "w", zipfile.ZIP_DEFLATED) as answers:
        for name, arguments in ASKED.items():
            answers.writestr(name, hinomi(*(plan if one == "PLAN" else one for one in arguments)))
        answers.writestr("plan.id", plan)
    with zipfile.ZipFile(folder / "home.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(home.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(home))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
