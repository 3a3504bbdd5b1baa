"""What a tenant's file may refer to, as people try it: files, variables, profiles and contexts of others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import said as run
from tests.tenant_text import TENANT

pytestmark = pytest.mark.sweep

UUID = "11111111-2222-4333-8444-555555555555"
MAIL = "type: email, settings: {{host: m.example, sender: a@b.example, recipients: [c@d.example], {}}}}}"
HOOK = "type: webhook, settings: {{url: 'https://x.example', secret: '{}'}}}}"
AZURE = f"azure:\n  - {{{{directory: {UUID}, subscriptions: [{UUID}], {{}}}}}}\nchannels:"
GOOGLE = "google:\n  - {{projects: [aozora-shop], {}}}\nchannels:"
CLUSTER = f"kubernetes:\n  - {{{{cluster: {UUID}, name: shop, {{}}}}}}\nchannels:"
# Each with what it takes the place of in the file.
CONSOLE, SCOPE, CHANNELS = "type: console}", "regions: [ap-northeast-1]", "channels:"
ATTEMPTS = [
    (CONSOLE, MAIL.format("user: u, password: 'file:/etc/shadow'"), "file:/etc/shadow"),
    (CONSOLE, MAIL.format("user: u, password: 'env:AWS_SECRET_ACCESS_KEY'"), "env:AWS_SECRET_ACCESS_KEY"),
    (CONSOLE, MAIL.format("user: u, password: 'env:PATH'"), "env:PATH"),
    (CONSOLE, MAIL.format("ca_file: /etc/shadow"), "file:/etc/shadow"),
    (CONSOLE, HOOK.format("file:/etc/shadow"), "file:/etc/shadow"),
    (CONSOLE, HOOK.format("file:/proc/self/environ"), "file:/proc/self/environ"),
    (CONSOLE, HOOK.format("env:HINOMI_AOZORA_FOOD__KEY"), "env:HINOMI_AOZORA_FOOD__KEY"),
    (CONSOLE, HOOK.format("env:HINOMI_AOZORA_FOOD_KEY"), "env:HINOMI_AOZORA_FOOD_KEY"),
    (CONSOLE, HOOK.format("env:HINOMI_TOKEN"), "env:HINOMI_TOKEN"),
    (CONSOLE, HOOK.format("env:HINOMI_AOZORA__"), "env:HINOMI_AOZORA__"),
    (CONSOLE, HOOK.format("env:hinomi_aozora__KEY"), "env:hinomi_aozora__KEY"),
    (CONSOLE, HOOK.format("file:../midori/key"), "file:../midori/key"),
    (CONSOLE, HOOK.format("file:a/../../midori/key"), "file:a/../../midori/key"),
    (CONSOLE, HOOK.format("file:HOME/secrets/aozora/../midori/key"), "../midori/key"),
    (CONSOLE, HOOK.format("file:HOME/secrets/midori/key"), "secrets/midori/key"),
    (CONSOLE, HOOK.format("file:HOME/secrets/aozora-food/key"), "secrets/aozora-food/key"),
    (CONSOLE, HOOK.format("file:HOME/keys/service.key"), "keys/service.key"),
    (CONSOLE, HOOK.format("file://etc/shadow"), "file://etc/shadow"),
    (SCOPE, "profile: customer-b", "profile:customer-b"),
    (SCOPE, "profile: default", "profile:default"),
    (SCOPE, "write: {profile: customer-b}", "profile:customer-b"),
    (CHANNELS, AZURE.format(f"client: {UUID}, secret: 'env:AZURE_CLIENT_SECRET'"), "env:AZURE_CLIENT_SECRET"),
    (CHANNELS, AZURE.format(f"client: {UUID}, certificate: 'file:/etc/b.pem'"), "file:/etc/b.pem"),
    (CHANNELS, AZURE.format(f"write: {{client: {UUID}, secret: 'env:B'}}"), "env:B"),
    (CHANNELS, AZURE.format(f"write: {{client: {UUID}, certificate: 'file:/etc/b.pem'}}"), "file:/etc/b.pem"),
    (CHANNELS, GOOGLE.format("key: 'file:/etc/b.json'"), "file:/etc/b.json"),
    (CHANNELS, GOOGLE.format("write: {key: 'file:/etc/b.json'}"), "file:/etc/b.json"),
    (CHANNELS, CLUSTER.format("kubeconfig: 'file:/home/b/.kube/config'"), "file:/home/b/.kube/config"),
    (CHANNELS, CLUSTER.format("context: customer-b"), "context:customer-b"),
    (CHANNELS, CLUSTER.format("write: {kubeconfig: 'file:/home/b/.kube/config'}"), "file:/home/b/.kube/config"),
    (CHANNELS, CLUSTER.format("write: {context: customer-b}"), "context:customer-b"),
]
Applying = Callable[[str], tuple[int, str, list[str]]]


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(capsys, "init", "--home", str(tmp_path / "home"))[0] == 0
    return tmp_path / "home"


@pytest.fixture
def applying(home: Path, capsys: pytest.CaptureFixture[str]) -> Applying:
    """Return what applies a text as a tenant's file."""

    def apply(text: str) -> tuple[int, str, list[str]]:
        file = home.parent / "t.yaml"
        file.write_text(text, encoding="utf-8")
        return run(capsys, "apply", str(file), "--home", str(home))

    return apply


def asking(before: str, after: str, home: Path) -> str:
    text = TENANT.replace(before, after.replace("HOME", str(home)))
    assert text != TENANT
    return text


@pytest.mark.parametrize(("before", "after", "shown"), ATTEMPTS)
def test_what_is_not_the_tenant_s_is_refused_with_its_place_and_the_remedy(
    home: Path, applying: Applying, before: str, after: str, shown: str
) -> None:
    status, out, err = applying(asking(before, after, home))
    assert (status, out, len(err)) == (2, "", 1), err
    assert err[0].startswith(f"hinomi: {home.parent / 't.yaml'}:")
    assert shown in err[0]
    assert "grants" in err[0] or "'.', '..'" in err[0]


@pytest.mark.parametrize(
    "reference", ["env:HINOMI_AOZORA__KEY", "file:key", "file:in/key", "file:HOME/secrets/aozora/key"]
)
def test_what_is_named_after_the_tenant_is_its_own(home: Path, applying: Applying, reference: str) -> None:
    assert applying(asking(CONSOLE, HOOK.format(reference), home))[0] == 0


@pytest.mark.parametrize(("before", "after", "shown"), [one for one in ATTEMPTS if "HOME" not in one[1]])
def test_what_the_installation_grants_this_tenant_is_its_own_word_for_word(
    home: Path, applying: Applying, before: str, after: str, shown: str
) -> None:
    file = home / "installation.yaml"
    for tenant, granted, status in (("midori", shown, 2), ("aozora", shown + "x", 2), ("aozora", shown, 0)):
        file.write_text(f"grants: {{{tenant}: ['{granted}']}}\n".replace("file:..", "file:/.."), encoding="utf-8")
        if not granted.startswith(("file:..", "file:a")):  # a grant names a file from the root
            assert applying(asking(before, after, home))[0] == status
