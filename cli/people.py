"""`hinomi people | login | logout | enrol | whoami | tokens`: who may come in, and who runs the commands."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, kept_token, open_authorizer, open_gate, token_file
from cli.machine_tokens import machine_app

if TYPE_CHECKING:
    from model.person import Person, Tenants
    from pipeline.access.people import Register
    from pipeline.access.sign_in import Gate

app = typer.Typer()
people_app = typer.Typer(help="People: staff and customers' people.", no_args_is_help=True)
tokens_app = typer.Typer(help="Your own tokens, and those of machines.", no_args_is_help=True)
app.add_typer(people_app, name="people")
app.add_typer(tokens_app, name="tokens")
tokens_app.add_typer(machine_app, name="machine")

Name = Annotated[str, typer.Argument(help="a person's id")]
Roles = Annotated[list[str], typer.Option("--role", help="a role; may be repeated; see config/access.yaml")]
TenantIds = Annotated[list[str], typer.Option("--tenant", help="a tenant's id, or all; may be repeated")]


@people_app.command()
def add(
    person: Name,
    role: Roles,
    tenant: TenantIds,
    name: Annotated[str, typer.Option(help="as people write it")] = "",
    language: Annotated[Literal["en", "ja"], typer.Option()] = "ja",
    email: Annotated[str, typer.Option(help="signs in at the OpenID provider, with this verified address")] = "",
    subject: Annotated[str, typer.Option(help="signs in at the OpenID provider, as this subject")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Add somebody; for a local account, print an invitation with which they set their own password."""
    from model.fault import Refused
    from model.person import Person
    from pipeline.installation import settings

    issuer = ""
    if email or subject:
        provider = settings(home).sign_in
        if provider is None:
            raise Refused(f"no OpenID provider is set up: add 'sign_in' to {home / 'installation.yaml'}")
        issuer = provider.issuer
    made = Person(
        id=_person_id(person),
        name=name or person,
        language=language,
        roles=tuple(role),
        tenants=_tenants(tenant),
        created_at="",
        issuer=issuer,
        subject=subject or (f"email:{email.lower()}" if email else ""),
    )
    _print_invitation(person, _register(home).add(made, open_gate(home)))


@people_app.command("list")
def list_(home: HomeOption = DEFAULT_HOME) -> None:
    """List people with their roles and tenants."""
    from rich.console import Console

    from cli.tables import plain_table

    table = plain_table("id", "name", "roles", "tenants", "signs in")
    for person in _register(home).all():
        table.add_row(person.id, person.name, ", ".join(person.roles), _shown(person.tenants), _way_in(person))
    Console(highlight=False, markup=False).print(table)


@people_app.command()
def change(
    person: Name,
    role: Roles = [],  # noqa: B006
    tenant: TenantIds = [],  # noqa: B006
    name: Annotated[str, typer.Option(help="as people write it")] = "",
    language: Annotated[Literal["en", "ja"] | None, typer.Option()] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Change somebody; the roles and tenants given replace those before. Losing one ends all their tokens."""
    from pipeline.access.people import Wish

    wish = Wish(tuple(role) or None, _tenants(tenant) if tenant else None, language, name or None)
    changed = _register(home).change(person, wish)
    after = changed.person
    print(f"{after.id}: {', '.join(after.roles)}; tenants: {_shown(after.tenants)}")
    if changed.revoked:
        print(f"Since a role or a tenant is gone, their tokens were revoked: {changed.revoked}. They sign in again.")


@people_app.command()
def invite(person: Name, home: HomeOption = DEFAULT_HOME) -> None:
    """Print a new invitation for somebody whose password or authenticator is lost."""
    _print_invitation(person, _register(home).invite(person, open_gate(home)))


@people_app.command()
def disable(person: Name, home: HomeOption = DEFAULT_HOME) -> None:
    """End somebody's access at once, with all their tokens."""
    print(f"{person} is disabled; {_register(home).disable(person)} tokens were revoked.")


@app.command()
def enrol(
    language: Annotated[Literal["en", "ja"], typer.Option()] = "en",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Set your password and your authenticator, with the invitation that you were given."""
    import segno

    from model.fault import Refused

    invitation = _asked("HINOMI_INVITATION", "Invitation")
    password = _asked("HINOMI_PASSWORD", "New password (at least 12 characters)")
    if "HINOMI_PASSWORD" not in os.environ and typer.prompt("Again", hide_input=True, err=True) != password:
        raise Refused("the two passwords differ; nothing was changed")
    enrolment = open_gate(home).enrol(invitation, password)
    if sys.stdout.isatty():
        segno.make(enrolment.uri).terminal(compact=True)
    if language == "ja":
        print(f"認証アプリに登録してください: {enrolment.uri}")
        print(f"続けて `hinomi login {enrolment.person}` でサインインできます。")
    else:
        print(f"Add this to your authenticator: {enrolment.uri}")
        print(f"Then sign in: hinomi login {enrolment.person}")


@app.command()
def login(
    person: Annotated[str, typer.Argument(help="a person's id; none = at the OpenID provider")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Sign in: commands are yours from then on, for twelve hours."""
    gate = open_gate(home)
    if person:
        token = gate.with_password(person, _asked("HINOMI_PASSWORD", "Password"), _asked("HINOMI_CODE", "Code"))
    else:
        token = _at_provider(gate, home)
    actor = gate.actor(token)
    _keep(token_file(home), token)
    print(f"Signed in as {actor.name} ({', '.join(actor.roles)}; tenants: {_shown(actor.tenants)}).")


@app.command()
def logout(home: HomeOption = DEFAULT_HOME) -> None:
    """Sign out: the token is revoked with those issued by it, and commands are the host's shell's again."""
    from pipeline.access.sign_in import NotSignedIn

    gate, file, issued = open_gate(home), token_file(home), 0
    try:
        actor = gate.actor(kept_token(home))
        issued = gate.revoke(actor, [actor.token]) - 1
    except NotSignedIn:
        pass  # a token that does not hold any more needs no revoking
    file.unlink(missing_ok=True)
    print("Signed out.")
    if issued > 0:
        print(f"Tokens that this sign-in had issued were revoked with it: {issued}.")


@app.command()
def whoami(home: HomeOption = DEFAULT_HOME) -> None:
    """Say in whose name commands run."""
    actor = open_authorizer(home).actor
    print(f"{actor.name} ({', '.join(actor.roles) or actor.action}; tenants: {_shown(actor.tenants)})")


@tokens_app.command("issue")
def issue(
    label: Annotated[str, typer.Argument(help="what it is for")],
    tenant: TenantIds,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it lasts")] = 90,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print a token of yours for the HTTP API or a script; it is shown this once. It issues no others."""
    gate = open_gate(home)
    print(gate.issue(open_authorizer(home).actor, label, _tenants(tenant), timedelta(days=days)))


@tokens_app.command("list")
def list_tokens(home: HomeOption = DEFAULT_HOME) -> None:
    """List your tokens, also those that ended."""
    for token in open_gate(home).tokens(open_authorizer(home).actor):
        ended = f"revoked {token.revoked_at}" if token.revoked_at else f"until {token.expires_at}"
        print(f"{token.id}  {token.label}  tenants: {_shown(token.tenants)}  {ended}")


@tokens_app.command("revoke")
def revoke(
    token: Annotated[list[str], typer.Argument(help="ids, as `hinomi tokens list` shows them")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Revoke tokens of yours, with those that they issued."""
    print(f"{open_gate(home).revoke(open_authorizer(home).actor, token)} revoked.")


def _register(home: Path) -> "Register":
    from catalog import access
    from catalog.folder import config_folder
    from pipeline.access.people import Register
    from pipeline.clock import SystemClock

    return Register(open_authorizer(home), access.load(config_folder()), SystemClock())


def _at_provider(gate: "Gate", home: Path) -> str:
    """Wait until the person has signed in at the OpenID provider, elsewhere."""
    import httpx

    from model.fault import Refused
    from pipeline.access.openid_sign_in import provider, wait_for
    from pipeline.clock import SystemClock
    from pipeline.installation import settings

    chosen = settings(home).sign_in
    if chosen is None:
        raise Refused("no OpenID provider is set up; for a local account: hinomi login NAME")
    clock = SystemClock()
    with httpx.Client(timeout=10.0) as http:
        client = provider(chosen, http)
        started = client.start(clock.now())
        print(f"Open {started.verification_uri} and enter the code {started.user_code}", file=sys.stderr)
        if started.complete_uri:
            print(f"or open {started.complete_uri}", file=sys.stderr)
        return gate.with_identity(wait_for(client, started, clock))


def _asked(variable: str, prompt: str) -> str:
    """Return a secret of the environment, or ask for it without showing it; no flag: flags stand in process lists."""
    return os.environ.get(variable) or str(typer.prompt(prompt, hide_input=True, err=True))


def _keep(file: Path, token: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(token)


def _print_invitation(person: str, invitation: str) -> None:
    if invitation:
        print(f"{person} is invited for three days. Hand this to nobody else; it is shown this once:", file=sys.stderr)
        print(invitation)
    else:
        print(f"{person} signs in with: hinomi login", file=sys.stderr)


def _person_id(text: str) -> str:
    import msgspec

    from model.fault import Refused
    from model.person import PersonId

    try:
        return msgspec.convert(text, PersonId)
    except msgspec.ValidationError:
        raise Refused(f"{text!r} is no id of a person: small letters, digits, and . _ - between them") from None


def _tenants(given: list[str]) -> "Tenants":
    return "all" if given == ["all"] else tuple(dict.fromkeys(given))


def _shown(tenants: "Tenants") -> str:
    return "all" if tenants == "all" else ", ".join(tenants) or "none"


def _way_in(person: "Person") -> str:
    if person.disabled_at:
        return f"disabled {person.disabled_at[:10]}"
    return person.issuer or "local account"
