"""`hinomi backup | restore | upgrade`: the stores as a whole."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from store.home import Home

app = typer.Typer()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="the archive to write; keep it like the home itself: its key is inside")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write all tenants, people, the audit heads and the key into one archive; the service may go on meanwhile."""
    from pipeline.backup import back_up, fingerprint
    from pipeline.clock import SystemClock
    from pipeline.installation import own_files, service_key, stores_of

    open_authorizer(home).whole("service.operate")
    service_key(home)  # a backup without it could not be restored
    manifest = back_up(stores_of(home), lambda: own_files(home), file, SystemClock())
    rows = sum(entry.rows for entry in manifest.entries.values())
    print(f"{file}: {len(manifest.tenants)} tenants, {rows} rows.")
    print(f"SHA-256, to be kept elsewhere and given to `hinomi restore --sha256`: {fingerprint(file)}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="an archive that `hinomi backup` wrote")],
    tenant: Annotated[
        str, typer.Option(help="only this tenant, into a home that is there; what it has is put aside")
    ] = "",
    sha256: Annotated[
        str, typer.Option(help="what `hinomi backup` printed: any other archive is refused, whoever wrote it")
    ] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Fill an empty home from an archive, or one tenant of a home that is there. Stop `hinomi serve` first."""
    from model.person import HOST
    from pipeline.audit_keys import KeyFolder, add_key
    from pipeline.backup import Archive, Restoring, restore_tenant
    from pipeline.backup import restore as restore_all
    from pipeline.clock import SystemClock
    from pipeline.installation import put_back, put_back_missing, stores_of

    found, clock = Archive(file, sha256), SystemClock()
    if tenant:
        authorizer = open_authorizer(home)
        authorizer.whole("service.operate")
        there = Restoring(stores_of(home), KeyFolder(home), clock, authorizer.actor.name)
        aside = restore_tenant(found, there, tenant)
        put_back_missing(home, found.files(), tenant)
        print(f"{tenant} is as it was at {found.manifest.made_at}.{f' What it had is kept: {aside}' if aside else ''}")
        return
    put_back(home, found.files())
    if not KeyFolder(home).exists():
        add_key(home)  # an archive of before there were any
    # Nobody can be signed in to an empty home.
    restored = restore_all(found, Restoring(stores_of(home), KeyFolder(home), clock, HOST.name))
    KeyFolder(home).mark_sealed()
    print(f"{home} is as it was at {found.manifest.made_at}: {len(restored)} tenants. Everybody has to sign in again.")
    if found.is_older:
        print("The backup is of an older version: `hinomi upgrade` grants tenants what their files refer to.")


@app.command()
def upgrade(home: HomeOption = DEFAULT_HOME) -> None:
    """Bring all stores to this program's version, record contracts from files, and grant what these refer to.

    Says which of them lead to addresses or start programs that are not allowed, and the lines that would allow them.
    Broken off in the middle, it goes on where it ended.
    """
    from cli.context import present_token
    from model.fault import Refused
    from pipeline.installation import bring_up, open_home, stores_of

    if present_token(home):  # older stores do not know whose it is
        raise Refused("upgrading is for the host's shell alone: `hinomi logout` first")
    changed = bring_up(home, stores_of(home))
    for name in changed:
        print(f"{name}: upgraded")
    print(f"{len(changed)} stores were upgraded; all are of this version.")
    stores = open_home(home)
    _take_over_contracts(stores)
    _grant_used(home, stores)
    _print_denied(home, stores)
    raise typer.Exit(1 if _print_faults(stores) else 0)


def _take_over_contracts(stores: "Home") -> None:
    """Record what files said of contracts before there were records of them."""
    from model.person import HOST
    from pipeline.clock import SystemClock
    from pipeline.tenants.contracts import take_over

    taken, lost = take_over(stores, SystemClock(), HOST.name)
    for tenant in taken:
        print(f"{tenant}: its contract is on record as its file says; `hinomi contract show {tenant}` shows it")
    for tenant, problem in lost.items():
        print(f"hinomi: the contract of {tenant} is not on record: {problem}", file=sys.stderr)


def _print_faults(stores: "Home") -> bool:
    """Say which records do not hold: those are left as they are, and nothing is decided on them."""
    from model.person import HOST

    service = stores.service
    # Bringing it up has recorded what older records imply; asked again, it says what kept it from that.
    faults = {"service": service.audit_fault() or service.vouch_for_older(HOST.name) or service.fault()}
    faults |= {tenant: stores.tenant(tenant).audit_fault() for tenant in stores.tenants()}
    for name, fault in faults.items():
        if fault:
            print(f"hinomi: the records of {name} do not hold: {fault}", file=sys.stderr)
    return any(faults.values())


def _print_denied(home: Path, stores: "Home") -> None:
    """Say where tenants' files lead that is not allowed, and what would allow it; people decide (docs/decisions)."""
    from pipeline.installation import settings
    from pipeline.tenants.destinations import allowing, denied_now
    from pipeline.world import bounds_in, secrets_in

    denied = denied_now(stores, secrets_in(home), bounds_in(home))
    for tenant, found in denied.items():
        for one in found:
            print(f"{tenant}: {one.destination.what} is not served any more: {one.fault or one.doubt}")
    if lines := allowing(settings(home).outgoing, denied):
        print(f"To serve these addresses as before, look through them, and let {home / 'installation.yaml'} say:")
        print("\n".join(lines))


def _grant_used(home: Path, stores: "Home") -> None:
    """Write what tenants' files refer to into the installation's file, where nobody has decided about it yet."""
    from pipeline.installation import grant, settings
    from pipeline.tenants.granting import missing_grants
    from pipeline.world import secrets_in

    missing = missing_grants(stores, settings(home).grants, secrets_in(home))
    grant(home, missing.new)
    for tenant, references in missing.new.items():
        print(f"{tenant}: granted in installation.yaml: {', '.join(references)}")
    for tenant, references in missing.refused.items():
        print(f"{tenant}: not granted in installation.yaml, so nothing: {', '.join(references)}")
    for tenant in missing.broken:
        print(f"{tenant}: its file is of another version of the program; apply it anew")
