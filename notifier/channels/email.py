"""E-mail by an SMTP server: one message with a text and an HTML part, encrypted unless the server is this machine."""

import binascii
import contextlib
import ipaddress
import re
import smtplib
import ssl
from collections import Counter
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Annotated, Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from msgspec import Meta, Struct

from model.alert import Alert, Item
from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE
from model.fault import Refused
from model.finding import CATEGORY_WORDS, WITHDRAWN, Severity, State
from model.tenant import ADDRESS, REFERENCE, Reference
from model.text import Language, Text, printable
from notifier.channels.console import what_became
from notifier.message import SENT, Message, Notice, Outcome, Ways, again, never, unreachable
from notifier.smtp import Lost, Session, Silent, TlsSession

_SHOWN = 50
_LONGEST_TITLE = 200
_LONGEST_MESSAGE = 500
_TEMPLATES = Path(__file__).parent.parent / "templates"
# Submission with STARTTLS (RFC 6409), submission with TLS from the first byte (RFC 8314), relaying (RFC 5321).
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
# Bodies of eight bits may go only to servers that take them (RFC 6152); all take what is encoded in seven.
_POLICY = SMTP.clone(cte_type="7bit")

# A dot-atom at a host (RFC 5322, 3.4.1), in ASCII: no comment, quotes or line end can come in by it. How long the parts
# may be: RFC 5321, 4.5.3.1.1, and RFC 1035, 2.3.4.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
MailAddress = Annotated[str, Meta(pattern=rf"^(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@{_HOST}$(?!\n)", max_length=254)]
_HOST_NAME = rf"^({_HOST}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$(?!\n)"
HostName = Annotated[str, Meta(pattern=_HOST_NAME, max_length=253, extra={ADDRESS: "host"})]
UserName = Annotated[str, Meta(pattern=r"^[!-~]+$(?!\n)", max_length=254)]
# A path alone is a file as much as `file:` and the path.
CaFile = Annotated[str, Meta(pattern=r"^(file:.+|/.+)$(?!\n)", extra={REFERENCE: "file:"})]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The server and who signs in there, from whom and to whom; `ca_file` is the CA of a server with a private one."""

    host: HostName
    sender: MailAddress
    recipients: Annotated[list[MailAddress], Meta(min_length=1, max_length=50)]
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    user: UserName | None = None
    password: Reference | None = None
    ca_file: CaFile | None = None

    def __post_init__(self) -> None:
        """Refuse what would send alerts and passwords in the clear, half a sign-in, and addresses of no machine."""
        if re.search(r":|(^|\.)\d+$", self.host) and not _is_address(self.host):
            raise ValueError(f"{self.host!r} is neither a name nor an IP address")
        if self.security == "none" and not _is_this_machine(self.host):
            raise ValueError("security 'none' is for a server on this machine only; use 'starttls' or 'tls'")
        if (self.user is None) != (self.password is None):
            raise ValueError("'user' and 'password' go together")


def send(message: Message | Notice, settings: Settings, ways: Ways) -> Outcome:
    """Hand the message to the server: 4yz and network faults are for later, 5yz is never (RFC 5321, 4.2.1).

    The settings are the channel's; `ways` are what sending needs of the world.
    """
    password = ways.secret(settings.password) if settings.password else b""
    trust = _trust(settings.ca_file, ways)
    if not password.isascii():
        return never("the password is not ASCII, which the sign-in to the server needs")
    mail = compose(message, settings, ways.now())
    try:
        with contextlib.closing(_connected(settings, trust, ways)) as server:
            return _hand_over(server, mail, settings, password.decode())
    except smtplib.SMTPException as problem:
        return _refused(problem)
    except ssl.SSLCertVerificationError as problem:  # for later: certificates are renewed, interceptors go away
        return unreachable(f"the server's certificate does not hold: {problem.verify_message}")
    except TimeoutError:
        return unreachable(f"the server did not answer within {ways.mail_patience.step:g} s")
    except OSError as problem:
        return unreachable(type(problem).__name__)
    except binascii.Error:
        return never("the server's challenge at the sign-in is not base64")
    except ValueError as problem:  # UnicodeError by a name that is none; its text may repeat what is secret
        return never(f"what the server or the settings say cannot be used ({type(problem).__name__})")


def compose(message: Message | Notice, settings: Settings, now: datetime) -> EmailMessage:
    """Return the mail of a message, as the settings address it; all attempts send the same but for the date, `now`."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address("Hinomi 火の見", addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in settings.recipients]
    template, words = (
        ("notice", _words_of_notice(message)) if isinstance(message, Notice) else ("email", _words(message))
    )
    mail["Subject"] = words["subject"]
    mail["Date"] = now
    # One identifier for one message, however often it is handed over (RFC 5322, 3.6.4).
    mail["Message-ID"] = f"<{message.key}@{_domain(settings.sender)}>"
    mail["Auto-Submitted"] = "auto-generated"  # no holiday notices in answer, please (RFC 3834)
    # Names come from customers' accounts: the HTML part escapes everything, no part gets control characters.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    mail.set_content(environment.get_template(f"{template}.txt").render(words))
    mail.add_alternative(environment.get_template(f"{template}.html").render(words), subtype="html")
    mail["Content-Language"] = message.language  # last: set before, it would be the first part's
    return mail


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _connected(settings: Settings, trust: ssl.SSLContext, ways: Ways) -> Session:
    """Return a connection, encrypted as the settings ask for; the server's certificate is always verified by trust."""
    over = ways.mail_patience, ways.border
    where: dict[str, Any] = {"host": settings.host, "port": settings.port or _PORTS[settings.security]}
    # The sender's domain stands for this machine: looking up its own name may take long, and reveals the inside.
    where["local_hostname"] = _domain(settings.sender)
    if settings.security == "tls":
        return TlsSession(*over, trust, **where)
    with contextlib.ExitStack() as unless_ready:
        server = Session(*over, **where)
        unless_ready.callback(server.close)
        if settings.security == "starttls":
            server.starttls(context=trust)
        unless_ready.pop_all()
    return server


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _trust(ca_file: str | None, ways: Ways) -> ssl.SSLContext:
    """Return whom to trust; raises `Refused` for a CA file that is not the tenant's or has no certificate in it."""
    if ca_file is None:
        return ssl.create_default_context()
    given = ways.secret(f"file:{ca_file.removeprefix('file:')}")
    try:  # what stands around the certificates may be in any language
        return ssl.create_default_context(cadata=given.decode("ascii", "ignore") or "none")
    except (OSError, ValueError):
        raise Refused(f"the CA file {ca_file} cannot be read: no certificate in it") from None


def _hand_over(server: Session, mail: EmailMessage, settings: Settings, password: str) -> Outcome:
    if settings.user:
        server.login(settings.user, password)
    refused = server.send_message(mail, settings.sender, settings.recipients)
    # From here on the server answers for it (RFC 5321, 6.1): whatever becomes of the farewell, it is sent.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.leave()
    if not refused:
        return SENT
    # Each recipient is answered alone (RFC 5321, 3.3). Repeating the whole for those who were refused would notify the
    # others twice; and one mailbox that is full for weeks would keep an alert from ever counting as sent.
    return Outcome("sent", _recipients_refused(refused, len(settings.recipients)))


def _refused(problem: smtplib.SMTPException) -> Outcome:
    """Return the outcome of what smtplib raised. Replies' texts are not repeated: they name addresses."""
    match problem:
        case smtplib.SMTPRecipientsRefused():
            replies = problem.recipients.values()
            said = _recipients_refused(problem.recipients, None)
            return never(said) if all(_is_final(code) for code, _ in replies) else again(said)
        case smtplib.SMTPResponseException():
            said = f"{_STEPS[type(problem)]}: {_codes(problem.smtp_code, problem.smtp_error)}"
            return never(said) if _is_final(problem.smtp_code) else again(said)
        case Lost():
            # What breaks off at a message may do so because of it: others may get through. Silence is everybody's.
            is_message_s = problem.at_message and not isinstance(problem, Silent)
            return again(problem.why) if is_message_s else unreachable(problem.why)
        case _:  # without STARTTLS or a way to sign in; not for ever, as somebody in between may have taken it out
            return again(str(problem))


_STEPS: dict[type[smtplib.SMTPException], str] = {
    smtplib.SMTPConnectError: "greeting refused",
    smtplib.SMTPHeloError: "greeting refused",
    smtplib.SMTPAuthenticationError: "login refused",
    smtplib.SMTPSenderRefused: "sender refused",
    smtplib.SMTPDataError: "message refused",
    smtplib.SMTPResponseException: "STARTTLS refused",
}


def _is_final(code: int) -> bool:
    return 500 <= code < 600


def _recipients_refused(refused: dict[str, tuple[int, bytes]], of: int | None) -> str:
    count = Counter(_codes(code, text) for code, text in refused.values())
    codes = ", ".join(f"{number} × {codes}" for codes, number in sorted(count.items()))
    return f"{len(refused)} of {of} recipients refused: {codes}" if of else f"all recipients refused: {codes}"


def _codes(code: int, text: bytes | str) -> str:
    """Return the reply's code, with the enhanced status code (RFC 3463) where there is one."""
    enhanced = re.match(rb"[245]\.\d{1,3}\.\d{1,3}\b", text if isinstance(text, bytes) else text.encode())
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


_SEVERITY: dict[Severity, Text] = {
    "critical": Text(en="Critical", ja="緊急"),
    "high": Text(en="High", ja="高"),
    "medium": Text(en="Medium", ja="中"),
    "low": Text(en="Low", ja="低"),
    "informational": Text(en="Informational", ja="情報"),
}
# What is suppressed notifies nobody (a stage drops it).
_LEAD: dict[State, Text] = {
    "open": Text(
        en="Newly found on {resources} in account {account}.",
        ja="アカウント{account}の{resources}で、次の問題が新たに検出されました。",
    ),
    "reopened": Text(
        en="Found again on {resources} in account {account}: it had been resolved, or an exception has ended.",
        ja="アカウント{account}の{resources}で、次の問題が再び検出されました（解消後の再発、または例外の終了によるものです）。",
    ),
    "in_progress": Text(
        en="Work has begun on {resources} in account {account}.",
        ja="アカウント{account}の{resources}で、次の問題への対応が始まりました。",
    ),
    "resolved": Text(
        en="No longer found on {resources} in account {account}.",
        ja="アカウント{account}の{resources}で、次の問題が検出されなくなりました。",
    ),
}
_LEAD_OF_WITHDRAWN = Text(
    en="Closed because the policy was withdrawn, not because of a remediation: {resources} in account {account}.",
    ja="ポリシーの取り下げにより、アカウント{account}の{resources}の検出事項を終了しました（是正によるものではありません）。",
)
# What the service notices of itself is of no account and no resource.
_LEAD_OF_SERVICE: dict[State, Text] = {
    "open": Text(en="Noticed in the operation of the service.", ja="サービスの運用において、次の事象を検知しました。"),
    "reopened": Text(
        en="Noticed again in the operation of the service.", ja="サービスの運用において、次の事象を再び検知しました。"
    ),
    "in_progress": Text(en="Work on this has begun.", ja="次の事象への対応が始まりました。"),
    "resolved": Text(en="This is over.", ja="次の事象は解消しました。"),
}
_TEXTS: dict[str, Text] = {
    "colon": Text(en=": ", ja="："),
    "severity": Text(en="Severity", ja="重大度"),
    "category": Text(en="Category", ja="分類"),
    "tenant": Text(en="Tenant", ja="テナント"),
    "account": Text(en="Account", ja="アカウント"),
    "policy": Text(en="Policy", ja="ポリシー"),
    "at": Text(en="Time", ja="日時"),
    "fix": Text(en="Recommended change", ja="推奨する対処"),
    "resource": Text(en="Resource", ja="リソース"),
    "region": Text(en="Region", ja="リージョン"),
    "evidence": Text(en="What was found", ja="検出内容"),
    "shown": Text(en="{shown} of {all} are shown.", ja="全{all}件のうち{shown}件を表示しています。"),
    "footer": Text(
        en="This message was sent automatically by Hinomi. Alert: {id}",
        ja="このメールはHinomi（火の見）から自動送信されています。通知番号：{id}",
    ),
}


_LEAD_OF_NOTICE = Text(en="About a contract:", ja="契約に関するお知らせです。")
_FOOTER_OF_NOTICE = Text(
    en="This message was sent automatically by Hinomi to those who look after contracts.",
    ja="このメールは、契約の担当者にHinomi（火の見）から自動送信されています。",
)


def _subject(alert: Alert, language: Language) -> str:
    title, number = printable(alert.title.of(language))[:_LONGEST_TITLE], len(alert.items)
    severity, became = _SEVERITY[alert.severity].of(language), what_became(alert, language)
    if language == "ja":
        return f"【Hinomi】{severity}・{became}：{title}（{number}件）／{alert.tenant}"
    return f"[Hinomi] {severity}, {became}: {title} ({number}) – {alert.tenant}"


def _filled(message: Message | Notice) -> tuple[str, dict[str, Any]]:
    """Return the name of the template for a message, and what fills it in."""
    if isinstance(message, Notice):
        return "notice", _words_of_notice(message)
    return "email", _words(message)


def _words(message: Message) -> dict[str, Any]:
    """Return what the templates fill in."""
    alert, language = message.alert, message.language
    number = len(alert.items)
    resources = f"{number}件のリソース" if language == "ja" else f"{number} resource{'' if number == 1 else 's'}"
    leads = _LEAD_OF_SERVICE if alert.category == "service" else _LEAD
    lead = _LEAD_OF_WITHDRAWN if alert.because == WITHDRAWN else leads[alert.became]
    about = {"resource": Text(en="About", ja="対象")} if alert.category == "service" else {}
    counts = {"shown": min(number, _SHOWN), "all": number, "id": alert.id}
    return {
        "language": language,
        "subject": _subject(alert, language),
        "t": {name: text.of(language).format(**counts) for name, text in (_TEXTS | about).items()},
        "lead": lead.of(language).format(resources=resources, account=alert.scope),
        "severity": _SEVERITY[alert.severity].of(language),
        "category": "" if alert.category == "posture" else CATEGORY_WORDS[alert.category].of(language),
        "became": what_became(alert, language),
        "account": "" if alert.category == "service" else alert.scope,
        "title": alert.title.of(language),
        "fix": "" if alert.became == "resolved" else alert.fix.of(language),
        "at": _moment(alert.at, language),
        "alert": alert,
        "rows": [_row(item, language) for item in alert.items[:_SHOWN]],
        "is_cut": number > _SHOWN,
        "provided_by": message.provided_by,
    }


def _words_of_notice(notice: Notice) -> dict[str, Any]:
    language, name = notice.language, printable(notice.name.of(notice.language))
    subject = f"【Hinomi】契約：{name}" if language == "ja" else f"[Hinomi] Contract: {name}"
    return {
        "language": language,
        "subject": subject[:_LONGEST_TITLE],
        "t": {key: text.of(language) for key, text in _TEXTS.items()},
        "lead": _LEAD_OF_NOTICE.of(language),
        "text": notice.text.of(language),
        "clause": notice.cited,
        "name": notice.name.of(language),
        "tenant": notice.tenant,
        "at": _moment(notice.at, language),
        "provided_by": notice.provided_by,
        "footer": _FOOTER_OF_NOTICE.of(language),
    }


def _row(item: Item, language: Language) -> tuple[str, str, str, str]:
    message = item.message.of(language)
    if len(message) > _LONGEST_MESSAGE:
        message = message[: _LONGEST_MESSAGE - 1] + "…"
    return item.name, item.resource, item.region, message


def _moment(text: str, language: Language) -> str:
    local = parse_instant(text).astimezone(CONTRACT_ZONE)
    if language == "ja":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}（日本時間）"
    return f"{local.day} {local:%B %Y, %H:%M} (Japan time)"
