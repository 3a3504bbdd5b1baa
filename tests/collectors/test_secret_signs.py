"""Where secrets seem to be: found by what they look like, and kept nowhere."""

import base64
import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.aws.service_models import operation, step
from collectors.aws import resource_types
from collectors.aws.engine import collect
from collectors.aws.resource_types import ResourceType
from collectors.secret_signs import Unreadable, looks_like, replaced, signs
from demo.stand_ins.aws_emulator import Emulator
from model.asset import Asset
from pipeline.clock import SystemClock
from tests.recorded_clouds import NOT_EMULATED, REGIONS, catalog

TYPES = resource_types.load()

# Values that documentation shows as examples: IAM's keys, RFC 7519's appendix, GitHub's and Stripe's formats (in parts,
# so that no scanner of repositories stumbles over them), PEM's header of RFC 7468.
SECRETS = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "AWS Access Key"),
    ("KEY_OF_THE_DAY", "AKIAIOSFODNN7EXAMPLE", "AWS Access Key"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS Access Key"),
    ("DATABASE_URL", "postgres://shop:hunter2@db.example.com/shop", "Basic Auth Credentials"),
    ("SESSION", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk", "JSON Web Token"),
    ("REPOSITORY", "ghp_" + "a1B2" * 9, "GitHub Token"),
    ("PAYMENTS", "sk_" + "live_" + "a1B2" * 6, "Stripe Access Key"),
    ("SIGNING", "-----BEGIN RSA PRIVATE KEY-----\nMIIB", "Private Key"),
    ("STORAGE", "DefaultEndpointsProtocol=https;AccountKey=" + "a" * 86 + "==", "Azure Storage Account access key"),
    # by their names
    ("DB_PASSWORD", "hunter2", "named"),
    ("DB_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEX", "named"),  # a slash alone makes no name
    ("SECRETS_MANAGER_PASSWORD", "hunter2", "named"),
    ("apiKey", "abcd1234", "named"),
    ("masterPassword", "12345678", "named"),
    ("JWT_SECRET", "correct horse", "named"),
    ("AUTH_TOKEN", "q8Zr5tYw2LxPk9Vn", "named"),
    ("AWS_ACCESS_KEY_ID", "changed-by-deploy", "named"),  # ECS.8 and CodeBuild.2 go by the name alone
    ("SMTP_PASS", "hunter2", "named"),
    ("MYSQL_PASS", "hunter2", "named"),
    ("mailPass", "hunter2", "named"),
    ("DB_PW", "hunter2", "named"),
    ("DB_PASSWORD", "*hunter2", "named"),
    ("DB_PASSWORD", "~hunter2", "named"),
    ("DB_PASSWORD", ".hunter2", "named"),
    ("DB_PASSWORD", "<hunter2", "named"),
    ("DB_PASSWORD", "{hunter2", "named"),
    # by formats that the library lacks: RFC 3986's user part without a user, Go's DSN, Google's and Anthropic's keys
    ("CACHE", "redis://:hunter2@cache.example.com:6379/0", "Basic Auth Credentials"),
    ("CACHE", "https://shop:p/ss@h.example.com/x", "Basic Auth Credentials"),
    ("DSN", "shop:hunter2@tcp(db:3306)/shop?parseTime=true", "Basic Auth Credentials"),
    ("MAPS", "AIza" + "a1B2_" * 7, "Google API Key"),
    ("MODEL", "sk-ant-" + "api03-" + "a1B2-" * 18 + "AA", "Anthropic API Key"),
    # the text holds its own names
    ("CONNECTION", "Server=db;Database=shop;User Id=owner;Password=hunter2;", "named"),
    ("ECS_ENGINE_AUTH_DATA", '{"https://index.docker.io/v1/":{"username":"u","password":"hunter2"}}', "named"),
]
HARMLESS = [
    # references to where the secret is, as AWS's documentation shows them
    ("DB_SECRET", "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTestSecret-a1b2c3"),
    ("DB_PASSWORD", "{{resolve:secretsmanager:MySecret:SecretString:password}}"),
    ("DB_PASSWORD", "${DB_PASSWORD}"),
    ("DB_PASSWORD", "<set by the pipeline>"),
    ("DB_PASSWORD", "****"),  # CloudFormation's NoEcho
    ("DB_PASSWORD", ""),
    ("DB_PASSWORD_FILE", "shop.txt"),
    ("SECRET_NAME", "prod-shop"),
    ("secretName", "prod-shop"),
    ("SECRET_ROTATION_DAYS", "3650"),
    ("PASSWORD_MIN_LENGTH", "1234"),
    ("AUTH_TOKEN_URL", "https://login.example.com/oauth2/token"),
    ("USE_SECRETS", "true"),
    ("PWD", "/var/task"),
    # settings of what keeps secrets, and what things are called there
    ("PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL", "debug"),
    ("PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS", "1000"),
    ("SECRETS_MANAGER_TIMEOUT_MILLIS", "1000"),
    ("SECRETS_MANAGER_SECRET", "prod/shop/db"),
    ("SECRETS_EXTENSION_CACHE_PREWARM", "lazy"),
    ("DB_SECRET", "prod/shop/db"),
    ("DB_SECRET", "prod/ShopDb/v2:password"),
    ("DB_PASSWORD_PARAMETER", "shop-db-password"),
    ("DB_PASSWORD_SSM_KEY", "shop-db-password"),
    ("SECRETS_BACKEND", "secretsmanager"),
    ("PASSWORD_RESET_TEMPLATE", "reset-v2"),
    ("PASSWORD_HASHER", "argon2"),
    ("API_KEY_SOURCE", "HEADER"),
    ("DB_KEYSPACE", "orders"),
    ("CLIENT_KEY_ALGORITHM", "RSA2048"),
    ("PWD_DIR", "workdir"),
    ("TOKEN_AUDIENCE", "shop-backend-production"),
    ("CREDENTIALS_BUCKET", "shop-prod-artifacts-tokyo"),
    ("CACHE", "redis://:${PASSWORD}@cache.example.com"),
    ("IMAGE", "docker://registry.example.com:5000/shop@sha256:" + "ab12" * 16),
    ("DSN", "shop:$PASSWORD@tcp(db:3306)/shop"),
    ("DB_SECRET", '{"arn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTestSecret-a1b2c3"}'),
    ("BYPASS", "hunter2"),
    ("KEY_FILE", "~/.ssh/secret"),
    ("DB_PASSWORD", "./secret.txt"),
    # random, and no secret
    ("GIT_COMMIT", "9fceb02d0ae598e95dc970b74767f19372d61af8"),
    ("ETAG", "d41d8cd98f00b204e9800998ecf8427e"),
    ("IMAGE", "shop@sha256:" + "ab12" * 16),
    ("KMS_KEY_ID", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("REQUEST_TOKEN", "a8ca07e4-61ec-4399-99f4-19853801bcd5"),
    ("TOPIC", "arn:aws:sns:us-west-2:111111111111:Glacier-InventoryRetrieval-topic-Example"),  # 35 characters and more
    ("PASSWORD_LAST_USED", "2016-09-08T21:47:36Z"),
    # plain words
    ("LOG_LEVEL", "debug"),
    ("TOKENIZER", "cl100k_base"),
    ("MAX_TOKENS", "4096"),
    ("TABLE_NAME", "APACHESTORM12"),
    ("URL", "https://example.com/a?b=c"),
    ("ADMIN", "taro@example.com"),
    ("DESCRIPTION", "The password is in Secrets Manager: ask the team."),
]


@pytest.mark.parametrize(("name", "value", "kind"), SECRETS)
def test_secrets_are_known_by_their_format_else_their_name(name: str, value: str, kind: str) -> None:
    assert looks_like(name, value) == kind


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_references_switches_checksums_and_words_are_no_secrets(name: str, value: str) -> None:
    assert looks_like(name, value) == ""


SECRET_LINES = [
    "export PASSWORD='abc def'",
    'export PASSWORD="abc def"',
    "tool --password hunter2 --force",
    "tool --db-password 'abc def'",
    "ENV DB_PASSWORD hunter2",
    "sshpass -p hunter2 ssh host",
    "sshpass -phunter2 ssh host",
    "docker login -u shop -p hunter2 registry.example.com",
    "mysql -u shop -phunter2 shop",
    "aws configure set aws_secret_access_key hunter2",
    "curl -fsS -u shop:hunter2 https://example.com/",
    "curl --user 'shop:hunter2' https://example.com/",
    "kubectl create secret generic db --from-literal=password=hunter2",
    "secrets: {DB_PASSWORD: hunter2}",
]


@pytest.mark.parametrize("line", SECRET_LINES)
def test_lines_that_hand_a_secret_over_are_seen(line: str) -> None:
    assert [sign["line"] for sign in signs("lines", line)] == [1]


HARMLESS_LINES = [
    "docker login -u shop --password-stdin registry.example.com",
    "docker login -u shop -p $PASSWORD registry.example.com",
    "docker build --secret id=npm,src=.npmrc .",
    "mysql -u shop -p shop",
    "mysql -u shop -p$PASSWORD shop",
    'sshpass -p "$PASSWORD" ssh host',
    "curl -u shop: https://example.com/",
    "aws configure set region us-east-1",
    "tool --password --force",
    "tool --password ${PASSWORD}",
    "ENV DB_PASSWORD_FILE /run/secrets/db",
    "password: {type: string}",
    "Password: !Ref DatabasePassword",
    "password: <set by the pipeline>",
    'PASSWORD="$(cat file with password)"',
    "PASSWORD=`aws ssm get-parameter --name x`",
    "password: string",
    "secret: aws_secretsmanager_secret.db.arn",
    "password = var.db_password",
]


@pytest.mark.parametrize("line", HARMLESS_LINES)
def test_lines_that_refer_to_secrets_or_declare_them_hold_none(line: str) -> None:
    assert signs("lines", line) == []


# Of what AWS calls so in its examples, everything is a password or a key, but for the names of other things.
CALLED_SECRETS = {
    "LocalConsolePassword", "KeyStorePassword", "MasterUserPassword", "Password", "NewPassword", "OldPassword",
    "RandomPassword", "SecretAccessKey", "SecretString", "SecretToAuthenticateInitiator", "SecretToAuthenticateTarget",
    "PrivateKey",
}  # fmt: skip


def test_of_all_examples_that_aws_ships_the_secrets_are_found_and_only_tokens_beside() -> None:
    """The example requests and replies of every service, as the SDK carries them: thousands of names and values."""
    seen = set(aws_examples())
    assert len(seen) > 5000
    called = {(name, value) for name, value in seen if name in CALLED_SECRETS and len(value) >= 4}
    found = {(name, value) for name, value in seen if looks_like(name, value)}
    assert len(called) > 15
    assert called - found == {("SecretString", "{JSON STRING WITH CREDENTIALS}")}  # a placeholder
    beside = {name for name, value in found - called if not value.startswith("AKIA")}  # access keys' ids, wherever
    assert [name for name in beside if not re.search("Tokens?$", name)] == []


def aws_examples() -> Iterator[tuple[str, str]]:
    for file in (Path(botocore.__file__).parent / "data").rglob("examples-1.json*"):
        text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        yield from leaves(
            "", [[e.get("input"), e.get("output")] for op in json.loads(text)["examples"].values() for e in op]
        )


def leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else ((name, inner) for inner in value):
            yield from leaves(key, inner)
    else:
        yield name, str(value)


def test_pairs_are_read_by_whatever_name_aws_gives_them() -> None:
    ecs = [{"name": "STAGE", "value": "live"}, {"name": "DB_PASSWORD", "value": "hunter2"}]
    assert signs("pairs", ecs) == [{"name": "DB_PASSWORD", "looks_like": "named"}]
    outputs = [{"OutputKey": "Password", "OutputValue": "hunter2", "ExportName": "shop", "Description": "for the shop"}]
    assert signs("pairs", outputs) == [{"name": "Password", "looks_like": "named"}]
    stored = [
        {"name": "DB_PASSWORD", "value": "shop/db", "type": kind} for kind in ("PARAMETER_STORE", "SECRETS_MANAGER")
    ]
    assert signs("pairs", stored) == []


@pytest.mark.parametrize(
    "name",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://shop:hunter2@db",
        "PASSWORD hunter2",
        "",
        "x" * 128 + "_PASSWORD",
        "パスワード",
    ],
)
def test_a_name_that_may_be_a_secret_itself_is_reported_by_its_position(name: str) -> None:
    secret = {"value": "AKIAIOSFODNN7EXAMPLE"}
    kept = [{"name": "#2", "looks_like": "AWS Access Key"}, {"name": "KEY", "looks_like": "AWS Access Key"}]
    pairs = [{"name": "STAGE", "value": "live"}, {"name": name} | secret, {"name": "KEY"} | secret]
    assert signs("pairs", pairs) == kept
    assert signs("values", {pair["name"]: pair["value"] for pair in pairs}) == kept


def test_of_many_signs_a_hundred_are_kept_and_the_rest_is_counted() -> None:
    def found(size: int) -> list[dict[str, Any]]:
        return signs("lines", "PASSWORD=hunter2\n" * size)

    assert found(100) == [{"line": number, "looks_like": "named"} for number in range(1, 101)]
    assert found(1000) == [*found(100), {"more": 900}]


def test_a_hostile_name_is_looked_at_in_part_only() -> None:
    start = time.process_time()
    signs("values", {"eyJ" * 40_000: "live"})
    assert time.process_time() - start < 1


SCRIPT = """#!/bin/sh
export DB_PASSWORD=hunter2
export DB_HOST=db.example.com
curl -u "deploy:$PASSWORD" https://example.com/
mysql --password='hunter2' shop
aws configure set aws_access_key_id AKIAIOSFODNN7EXAMPLE
db_password: "hunter2"
"""


@pytest.mark.parametrize("packed", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_a_script_is_reported_by_the_numbers_of_its_lines(packed: Any) -> None:
    data = base64.b64encode(packed(SCRIPT.encode())).decode()
    assert [sign["line"] for sign in signs("base64", data)] == [2, 5, 6, 7]
    assert "hunter2" not in json.dumps(signs("base64", data))


BUILD = """version: 0.2
env:
  variables:
    DB_PASSWORD: "hunter2"
  parameter-store:
    API_KEY: shop-api-key
  secrets-manager:
    DB_PASSWORD: "shop:password"  # not PASSWORD=hunter2
    "OTHER_PASSWORD":
      shop:other
phases:
  build:
    secrets-manager:
      DB_PASSWORD: hunter2
    commands:
      - mysql --password=hunter2
"""


def test_a_build_specification_may_name_what_it_reads_from_a_store() -> None:
    """The form is CodeBuild's (User Guide, «Build specification reference»): `env/parameter-store`, and its sister."""
    assert [sign["line"] for sign in signs("buildspec", BUILD)] == [4, 8, 14, 16]
    flow = '{"env": {"secrets-manager": {"DB_PASSWORD": "shop:password"}, "variables": {"API_KEY": %s}}}'
    assert signs("buildspec", flow % "{}") == []
    assert signs("buildspec", flow % '"hunter2"') == [{"line": 1, "looks_like": "named"}]
    assert signs("buildspec", "é: |\r\n  あ\r\nenv:\r\n  secrets-manager:\r\n    PASSWORD: shop-db\r\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "env: {secrets-manager: {A: b}}\n- no: YAML\n",
        "env: [\nx: 1\n",
        "env:\n\x00",
        "\udc80",
        "[" * 10_000,
        "a: &a\n  - *a\n",
        "buildspec.yml",
        "",
    ],
)
def test_a_build_specification_that_is_no_mapping_stays_lines(text: str) -> None:
    text += "\nPASSWORD: hunter2\n"
    assert [sign["looks_like"] for sign in signs("buildspec", text)] == ["named"]
    assert signs("buildspec", text) == signs("lines", text)


# What each policy on secrets proposes, as AWS's documentation writes it.
FIXED: dict[str, dict[str, Any]] = {
    "aws.lambda.variable-holds-secret": {
        "Environment": {
            "Variables": {
                "SECRET_ARN": "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTestSecret-a1b2c3",
                "SECRET_NAME": "prod/shop/db",
            }
        }
    },
    "aws.ecs.container-variable-holds-secret": {
        "containerDefinitions": [
            {
                "environment": [{"name": "DB_HOST", "value": "db.example.com"}],
                "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:us-east-2:123456789012:parameter/db"}],
            }
        ]
    },
    "aws.codebuild.variable-holds-secret": {
        "environment": {
            "environmentVariables": [
                {"name": "DB_PASSWORD", "value": "shop:password", "type": "SECRETS_MANAGER"},
                {"name": "API_KEY", "value": "shop-api-key", "type": "PARAMETER_STORE"},
            ]
        }
    },
    "aws.codebuild.build-commands-hold-secret": {
        "source": {
            "buildspec": "env:\n  secrets-manager:\n    DB_PASSWORD: shop/db:password\n"
            "  parameter-store:\n    API_KEY: shop-api-key\n"
        }
    },
    "aws.autoscaling.user-data-holds-secret": {
        "UserData": base64.b64encode(
            b"#!/bin/sh\nDB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id prod/shop/db)\n"
        ).decode()
    },
    "aws.cloudformation.output-holds-secret": {
        "Outputs": [{"OutputKey": "DatabaseSecretArn", "OutputValue": "arn:aws:secretsmanager:us-east-1:1:secret:db"}]
    },
}


def test_what_the_policies_propose_passes_them() -> None:
    on_secrets = {p.id: p.form.kind for p in catalog().policies if p.id.endswith(("-holds-secret", "-hold-secret"))}
    # that: tests/collectors/test_program_signs.py
    assert on_secrets.keys() == FIXED.keys() | {"aws.lambda.code-holds-secret"}
    forms = {t.form.kind: t.form for t in TYPES}
    for policy, body in FIXED.items():
        form: Any = forms[on_secrets[policy]]
        shapes = {k: shape for part in (form, *form.details.values()) for k, shape in part.secrets.items()}
        kept = replaced(shapes, body)
        assert "looks_like" not in json.dumps(kept), policy
        assert kept != body, policy


def test_all_members_of_a_compressed_text_are_read() -> None:
    """RFC 1952, 2.2: a file is a series of members, one after the other."""
    data = base64.b64encode(gzip.compress(b"#!/bin/sh\n") + gzip.compress(b"PASSWORD=hunter2\n")).decode()
    assert signs("base64", data) == [{"line": 2, "looks_like": "named"}]


def packed(data: bytes) -> bytes:
    """Return data packed, always alike: tests are named by it."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(packed(b"#!/bin/sh\n") + b"PASSWORD=hunter2\n").decode(),
        base64.b64encode(packed(b"x" * 600_000) * 2).decode(),
        base64.b64encode(
            gzip.compress(b"x" * (1 << 20), mtime=0) + gzip.compress(b"PASSWORD=hunter2\n", mtime=0)
        ).decode(),
        "not Base64!",
        base64.b64encode(b"\xff\xfe\x00").decode(),
        base64.b64encode(packed(b"x" * 99)[:-9]).decode(),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_harmless(data: str) -> None:
    with pytest.raises(Unreadable):
        signs("base64", data)


def test_a_field_is_replaced_at_every_depth_and_stays_absent_where_it_is() -> None:
    body = {
        "containers": [{"name": "web", "environment": [{"name": "DB_PASSWORD", "value": "hunter2"}]}, {"name": "log"}]
    }
    assert replaced({"environment": "pairs"}, body) == {
        "containers": [
            {"name": "web", "environment": [{"name": "DB_PASSWORD", "looks_like": "named"}]},
            {"name": "log"},
        ]
    }


@pytest.mark.parametrize(
    "piece", ["eyJ", "://a:", "a.b-", "aws key", "password=", '="', "a=", "curl -u ", "mysql ", "a:", "--a "]
)
def test_hostile_lines_take_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        line, start = piece * (size // len(piece)), time.process_time()
        signs("lines", line)
        return time.process_time() - start

    signs("lines", "x")  # loads the formats
    assert seconds(1 << 17) < 8 * max(seconds(1 << 15), 0.01)  # four times the length; squared would be sixteen


def test_a_secret_far_into_a_long_line_is_found() -> None:
    for before in range(4000, 4200):
        assert signs("lines", "-" * before + " AKIAIOSFODNN7EXAMPLE " + "-" * 5000)


@pytest.mark.process
def test_nothing_is_asked_of_the_network_and_threads_do_not_disturb_each_other() -> None:
    """In a process of its own: the formats are loaded by eight threads at once, and a key pair would be verified."""
    program = (
        "import sys, threading\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "sys.addaudithook(lambda event, _: event in ('socket.connect', 'socket.getaddrinfo') and sys.exit(9))\n"
        "from collectors.secret_signs import signs\n"
        "start = threading.Barrier(8)\n"
        "text = 'aws_access_key_id = AKIAIOSFODNN7EXAMPLE\\n"
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\\n'\n"
        "def look(_):\n"
        "    start.wait()\n"
        "    return [s['line'] for s in signs('lines', text)]\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    print(*pool.map(look, range(8)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, " ".join(["[1, 2]"] * 8) + "\n")


# --- the types


@pytest.fixture
def assets(company: Emulator) -> list[Asset]:
    clock = SystemClock()
    client = AwsClient(session(Login(), clock), clock)
    return [event for event in collect(client, TYPES, locate(client, REGIONS)) if isinstance(event, Asset)]


def test_no_value_that_was_planted_is_in_any_asset(assets: list[Asset]) -> None:
    """The company's passwords, tokens, scripts and custom headers all contain the marker."""
    assert {a.kind for a in assets} == {t.form.kind for t in TYPES} - NOT_EMULATED
    for a in assets:
        assert "not-a-secret" not in repr(a).lower(), a.kind


def signed(assets: list[Asset], kind: str, name: str) -> Any:
    return next(a.body for a in assets if a.kind == kind and a.name == name)


def test_where_secrets_were_planted_is_reported(assets: list[Asset]) -> None:
    named = {"looks_like": "named"}
    function = signed(assets, "aws.lambda.function", "thumbnails")
    assert function["Environment"]["Variables"] == [{"name": "DATABASE_URL", "looks_like": "Basic Auth Credentials"}]
    project = signed(assets, "aws.codebuild.project", "legacy")
    assert project["environment"]["environmentVariables"] == [{"name": "DEPLOY_SECRET"} | named]
    assert project["source"]["buildspec"] == [{"line": 5} | named]
    [fleet] = [a.body for a in assets if a.kind == "aws.autoscaling.launch-configuration"]
    assert fleet["UserData"] == [{"line": 2} | named]
    [stack] = [a.body for a in assets if a.kind == "aws.cloudformation.stack"]
    assert stack["Outputs"] == [{"name": "PipePassword"} | named]
    [task] = [a.body for a in assets if a.kind == "aws.ecs.task-definition"]
    assert task["Definition"]["containerDefinitions"][0]["environment"] == [{"name": "DB_PASSWORD"} | named]


def test_a_changed_value_changes_nothing_that_is_kept(emulator: Emulator) -> None:
    clock, seen = SystemClock(), []
    cloud = AwsClient(session(Login(), clock), clock)
    types = resource_types.load(kinds=["aws.autoscaling.launch-configuration"])
    client = emulator.client("autoscaling", "ap-northeast-1")
    for value in ("hunter2", "hunter3"):
        client.create_launch_configuration(
            LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro", UserData=f"PASSWORD={value}"
        )
        found = [e for e in collect(cloud, types, locate(cloud, REGIONS[:1])) if isinstance(e, Asset)]
        seen += [{k: v for k, v in a.body.items() if k != "CreatedTime"} for a in found]
        client.delete_launch_configuration(LaunchConfigurationName="web")
    assert seen[0] == seen[1]
    assert seen[0]["UserData"] == [{"line": 1, "looks_like": "named"}]


def test_user_data_that_cannot_be_read_is_unknown(emulator: Emulator) -> None:
    client = emulator.client("autoscaling", "ap-northeast-1")
    client.create_launch_configuration(
        LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro", UserData=b"\xff\xfe\x00"
    )
    clock = SystemClock()
    cloud = AwsClient(session(Login(), clock), clock)
    types = resource_types.load(kinds=["aws.autoscaling.launch-configuration"])
    [asset] = [e for e in collect(cloud, types, locate(cloud, REGIONS[:1])) if isinstance(e, Asset)]
    assert asset.unknown == {"UserData": "unreadable text"}
    assert "UserData" not in asset.body


# What people or AWS wrote for people, which no policy reads: passwords stand there too.
FREE_TEXTS = {
    "aws.apigateway.rest-api": ["apiStatusMessage", "description", "Stages.description"],
    "aws.apigatewayv2.api": ["Description", "Stages.Description", "Stages.LastDeploymentStatusMessage"],
    "aws.cloudformation.stack": ["Description", "StackStatusReason"],
    "aws.cloudwatch.alarm": ["StateReason", "StateReasonData"],
    "aws.codebuild.project": ["description", "statusMessage"],
    "aws.ec2.instance": ["StateReason", "StateTransitionReason"],
    "aws.lambda.function": ["Description", "LastUpdateStatusReason", "StateReason"],
}


@pytest.mark.parametrize("kind", FREE_TEXTS)
def test_free_texts_that_no_policy_reads_are_not_kept(kind: str) -> None:
    [type_] = resource_types.load(kinds=[kind])
    for path in FREE_TEXTS[kind]:
        detail, _, name = path.rpartition(".")
        part: Any = type_.form.details[detail] if detail else type_.form
        assert name in part.omit, path


# What AWS's service models mark as sensitive and is kept nevertheless: people's own remarks.
REMARKS = {"Comment"}


@pytest.mark.parametrize("type_", TYPES, ids=lambda t: t.form.kind)
def test_nothing_is_kept_that_the_service_model_marks_as_sensitive(type_: ResourceType) -> None:
    assert [path for path in sensitive(type_) if path.rpartition(".")[2] not in REMARKS] == []


def sensitive(type_: ResourceType) -> Iterator[str]:
    form = type_.form
    if form.listing:
        last = form.listing.describe or form.listing
        shape = step(operation(form.service, last.op).output, last.rows)
        yield from marked(getattr(shape, "member", shape), "", {*form.omit, *form.secrets})
    for name, detail in form.details.items():
        output = operation(form.service, detail.op).output
        yield from marked(step(output, detail.get) if detail.get else output, name, {*detail.omit, *detail.secrets})


def marked(shape: Any, path: str, dropped: set[str], within: frozenset[str] = frozenset()) -> Iterator[str]:
    if shape.name in within:
        return
    within |= {shape.name}
    if shape.metadata.get("sensitive"):
        yield path
    for name, inner in getattr(shape, "members", {}).items():
        if name not in dropped:
            yield from marked(inner, f"{path}.{name}", dropped, within)
    for inner in (getattr(shape, "member", None), getattr(shape, "value", None)):
        if inner is not None:
            yield from marked(inner, path, dropped, within)
