"""The reading client: repeats within a budget, rates, logins."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.call_failed import CallFailed
from clouds.rate import LEAST_PER_SECOND, MOST_PER_SECOND, START_PER_SECOND, Rate
from collectors.kept import without_passwords
from demo.stand_ins.aws_emulator import Emulator
from model.fault import Refused
from model.tenant import AwsScope
from pipeline.clock import SystemClock
from pipeline.providers.aws.opening import connect
from pipeline.providers.aws.provider import scope_of
from tests.conftest import MovingClock
from tests.servers.http_servers import denying_proxy

Reply = tuple[Any, dict[str, Any]]


def error(code: str, status: int) -> Reply:
    return SimpleNamespace(status_code=status), {
        "Error": {"Code": code, "Message": "arn:aws:iam::123456789012:user/secret-name"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }


def client(clock: MovingClock, answer: Callable[[int], Reply | None]) -> tuple[AwsClient, list[str]]:
    """Return a client whose calls are answered by the SDK's own hook; None lets them through."""
    made: list[str] = []

    def before_call(model: Any, **_: object) -> Reply | None:
        made.append(model.name)
        return answer(len(made))

    own = session(Login(), clock)
    own.register("before-call", before_call)
    return AwsClient(own, clock), made


OK: Reply = (SimpleNamespace(status_code=200), {"Keys": [], "ResponseMetadata": {"HTTPStatusCode": 200}})


@pytest.mark.parametrize(
    ("code", "status", "failures", "tries"),
    [
        ("ThrottlingException", 400, 3, 4),
        ("SlowDown", 503, 7, 8),
        ("InternalFailure", 500, 2, 3),
        ("ServiceUnavailable", 503, 1, 2),
    ],
)
def test_what_passes_is_repeated(
    emulator: Emulator, clock: MovingClock, code: str, status: int, failures: int, tries: int
) -> None:
    opened, made = client(clock, lambda n: error(code, status) if n <= failures else OK)
    assert opened.call("kms", "us-east-1", "list_keys", {})["Keys"] == []
    assert len(made) == tries


@pytest.mark.parametrize(
    ("code", "status", "tries"),
    [("ThrottlingException", 400, 8), ("InternalFailure", 500, 3), ("AccessDenied", 403, 1), ("NoSuchBucket", 404, 1)],
)
def test_the_budget_ends_and_the_cause_is_a_code_only(
    emulator: Emulator, clock: MovingClock, code: str, status: int, tries: int
) -> None:
    opened, made = client(clock, lambda _: error(code, status))
    with pytest.raises(CallFailed) as failed:
        opened.call("kms", "us-east-1", "list_keys", {})
    assert str(failed.value) == code
    assert len(made) == tries


def test_a_page_that_fails_for_good_is_never_the_last_one(emulator: Emulator, clock: MovingClock) -> None:
    def answer(number: int) -> Reply:
        if number == 1:
            return OK[0], {"Keys": [{"KeyId": "1"}], "NextMarker": "2", "Truncated": True, "ResponseMetadata": {}}
        return error("ThrottlingException", 400)

    opened, made = client(clock, answer)
    pages = opened.pages("kms", "us-east-1", "list_keys", {})
    assert next(pages)["Keys"] == [{"KeyId": "1"}]
    with pytest.raises(CallFailed, match="ThrottlingException"):
        next(pages)
    assert len(made) == 9


def test_a_page_is_repeated_and_the_next_one_follows(emulator: Emulator, clock: MovingClock) -> None:
    def answer(number: int) -> Reply:
        if number == 2:
            return error("ThrottlingException", 400)
        more = {"NextMarker": "2", "Truncated": True} if number == 1 else {"Truncated": False}
        return OK[0], {"Keys": [{"KeyId": str(number)}], "ResponseMetadata": {}} | more

    opened, _ = client(clock, answer)
    assert [page["Keys"][0]["KeyId"] for page in opened.pages("kms", "us-east-1", "list_keys", {})] == ["1", "3"]


def test_a_token_that_comes_again_is_a_failure(emulator: Emulator, clock: MovingClock) -> None:
    same: Reply = OK[0], {"Keys": [{"KeyId": "1"}], "NextMarker": "2", "Truncated": True, "ResponseMetadata": {}}
    opened, _ = client(clock, lambda _: same)
    with pytest.raises(CallFailed, match="PaginationError"):
        opened.call("kms", "us-east-1", "list_keys", {})


def test_ever_new_tokens_come_to_an_end(emulator: Emulator, clock: MovingClock) -> None:
    def answer(number: int) -> Reply:
        return OK[0], {"Keys": [], "NextMarker": str(number), "Truncated": True, "ResponseMetadata": {}}

    opened, made = client(clock, answer)
    with pytest.raises(CallFailed, match="PaginationError"):
        for _ in opened.pages("kms", "us-east-1", "list_keys", {}):
            pass
    assert len(made) == 10_000


def test_an_endpoint_that_stays_silent_is_asked_no_more(
    emulator: Emulator, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    opened, made = client(clock, lambda _: None)
    for _ in range(5):
        with pytest.raises(CallFailed) as failed:
            opened.call("kms", "us-east-1", "list_keys", {})
        assert (failed.value.code, failed.value.unreachable) == ("EndpointConnectionError", True)
    assert len(made) == 3


def test_the_rate_falls_by_half_once_a_second_and_rises_by_little() -> None:
    clock = MovingClock()
    rate = Rate(clock)

    def calls_per_second() -> int:
        start, calls = clock.now(), 0
        while (clock.now() - start).total_seconds() < 10:
            rate.wait()
            calls += 1
        return round(calls / 10)

    assert calls_per_second() == pytest.approx(START_PER_SECOND, rel=0.15)
    for _ in range(5):  # calls under way object together: that is one objection
        rate.objected()
    assert calls_per_second() == pytest.approx(START_PER_SECOND / 2, rel=0.1)
    for _ in range(40):
        clock.sleep(1)
        rate.objected()
    assert calls_per_second() == pytest.approx(LEAST_PER_SECOND, abs=0.5)
    for _ in range(10_000):
        rate.went_well()
    assert calls_per_second() == pytest.approx(MOST_PER_SECOND, rel=0.15)


def test_threads_share_one_rate() -> None:
    clock = MovingClock()
    rate = Rate(clock)
    for _ in range(round(START_PER_SECOND) + 1):  # what was saved up
        rate.wait()
    began = clock.now()

    def wait_ten_times() -> None:
        for _ in range(10):
            rate.wait()

    threads = [threading.Thread(target=wait_ten_times) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (clock.now() - began).total_seconds() == pytest.approx(50 / START_PER_SECOND, rel=0.1)


ROLE = "arn:aws:iam::210987654321:role/hinomi-read"


def test_a_role_leads_to_its_account(emulator: Emulator) -> None:
    clock = SystemClock()
    opened = AwsClient(session(Login(role_arn=ROLE, external_id="between-us"), clock), clock)
    assert locate(opened, ("ap-northeast-1",)).account == "210987654321"


def test_a_role_needs_no_region_of_the_environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    clock = SystemClock()
    opened = AwsClient(session(Login(role_arn=ROLE), clock), clock)
    assert locate(opened, ("ap-northeast-1",)).account == "210987654321"


def test_the_external_id_is_sent(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    with denying_proxy(emulator.url, "ExternalId=between-us") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        opened = AwsClient(session(Login(role_arn=ROLE, external_id="between-us"), clock), clock)
        with pytest.raises(Refused, match=r"does not accept the credentials \(sts:AssumeRole AccessDenied\)"):
            locate(opened, ("ap-northeast-1",))


def test_credentials_that_lead_to_another_account_are_refused(emulator: Emulator) -> None:
    with pytest.raises(Refused, match="lead to the account 123456789012"):
        connect(scope_of(AwsScope(aws="111122223333", regions=["ap-northeast-1"])), [], SystemClock())


def test_regions_that_may_not_be_listed_are_said_to_be_unread(emulator: Emulator, clock: MovingClock) -> None:
    clock = MovingClock()
    own = session(Login(), clock)
    own.register("before-call.ec2", lambda **_: error("UnauthorizedOperation", 403))
    place = locate(AwsClient(own, clock), ())
    assert place.unread == {"regions": "ec2:DescribeRegions UnauthorizedOperation"}
    assert place.regions == ("ap-northeast-1",)
    named = locate(AwsClient(own, clock), ("us-east-1",))
    assert (named.unread, named.regions) == ({}, ("us-east-1",))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://me:token@github.com/x", "https://redacted:redacted@github.com/x"),
        ("https://github.com/x?mail=a@b.example", "https://github.com/x?mail=a@b.example"),
        (
            "jdbc:mysql://u:p%40@db:3306/x and ssh://:k@h",
            "jdbc:mysql://redacted:redacted@db:3306/x and ssh://redacted:redacted@h",
        ),
        ("https://ghp_0123@github.com/x", "https://redacted@github.com/x"),
        ("https://u:p@ss@h/x", "https://redacted:redacted@h/x"),
        ("https://u:p/ss@h", "https://redacted:redacted@h"),
        ("https://u:p/s@s?@h,x", "https://redacted:redacted@h,x"),
        ("http://a:b@h https://u:p@i", "http://redacted:redacted@h https://redacted:redacted@i"),
        ("https://h:8443/x@y", "https://h:8443/x@y"),
        ("https://h/?token=abc", "https://h/?token=redacted"),
        (
            "https://h/x?a=1&X-Amz-Signature=abc&api_key=b#c",
            "https://h/x?a=1&X-Amz-Signature=redacted&api_key=redacted#c",
        ),
        ("https://h/x?page=2&tokens=", "https://h/x?page=2&tokens="),
        ("token=abc", "token=abc"),
        ("someone@example.com", "someone@example.com"),
    ],
)
def test_passwords_in_addresses_are_never_kept(text: str, kept: str) -> None:
    assert without_passwords({"a": [{"b": text}]}) == {"a": [{"b": kept}]}
