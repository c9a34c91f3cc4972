"""The command line of accounts and wall screens: `bangfu user ...`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.commands import ChineseGroup, folder, tell
from geodata.errors import AtlasError, EditionError, UnknownName, WorkspaceError
from geodata.ledger.people import Account
from geodata.ledger.roles import TERMINAL, Role
from geodata.ledger.store import Ledger
from geodata.words import say
from geodata.workspace import FILE, Level, Workspace

_FILE_WIDTH = 240
"""Of a table that goes into a file or another program, in columns."""
ROLES = click.Choice([role.value for role in Role])
name = click.argument("name", metavar=say("account.cli.word_name"))
reason = click.option("--reason", default="", metavar="TEXT", help=say("account.cli.reason"))


def ledger_of(folder: Path) -> Ledger:
    """The ledger of a workspace: the one that the settings name, or its own."""
    from dashboard import settings

    url = settings.read(workspace=folder).ledger
    return Ledger(url) if url else Ledger.of(folder)


def opened(folder: Path, *, create: bool = False) -> Ledger:
    """The ledger of a workspace, ready to be used.

    Raises
    ------
    WorkspaceError : when the folder is no workspace: a ledger there would be nobody's.
    NoLedger : when there is none and none is to be made.
    """
    if not (folder / FILE).is_file():
        raise WorkspaceError(
            say("account.cli.no_workspace"),
            file=str(folder),
            cure=say("account.cli.no_workspace_cure"),
        )
    ledger = ledger_of(folder)
    ledger.prepare(create=create)
    return ledger


def whose(work: Callable[..., None]) -> Callable[..., None]:
    """A command about one account: `work` is handed the open ledger and the account named."""

    @folder
    @name
    @functools.wraps(work)
    def command(folder: Path, name: str, **given: Any) -> None:
        ledger = opened(folder)
        work(ledger, _named(ledger, name), **given)

    return command


@click.group(
    "user", cls=ChineseGroup, help=say("account.cli.about"), short_help=say("account.cli.short")
)
def user() -> None:
    """Accounts and wall screens."""


@user.command(help=say("account.cli.add"), short_help=say("account.cli.add_short"))
@folder
@name
@click.option("--role", type=ROLES, required=True, metavar="ROLE", help=say("account.cli.role"))
@click.option("--label", metavar="TEXT", help=say("account.cli.label"))
@click.option("--district", default="", metavar="CODE", help=say("account.cli.district"))
@click.option("--unit", default="", metavar="TEXT", help=say("account.cli.unit"))
@click.option("--password-stdin", is_flag=True, help=say("account.cli.stdin"))
@click.option("--openid", is_flag=True, help=say("account.cli.openid"))
def add(
    folder: Path,
    name: str,
    role: str,
    label: str | None,
    district: str,
    unit: str,
    password_stdin: bool,
    openid: bool,
) -> None:
    """Make an account; its first password is the only line on stdout."""
    from geodata.ledger import accounts

    if password_stdin and openid:
        raise AtlasError(say("account.cli.both"), cure=say("account.cli.both_cure"))
    given = _typed() if password_stdin else None
    ledger = opened(folder, create=True)
    made, password = accounts.create(
        ledger,
        TERMINAL,
        name=name,
        label=label if label is not None else name,
        role=role,
        district=district_code(folder, district),
        unit=unit,
        password=given,
        elsewhere=openid,
    )
    tell(say("account.cli.added", name=made.name, role=_role(made)))
    if openid:
        tell(say("account.cli.added_openid", name=made.name))
    elif given is not None:
        tell(say("account.cli.given"))
    else:
        tell(say("account.cli.first"))
        click.echo(password)


@user.command("list", help=say("account.cli.list"), short_help=say("account.cli.list_short"))
@folder
def list_(folder: Path) -> None:
    """All accounts as a table."""
    from geodata.ledger import accounts

    rows = accounts.all_accounts(opened(folder))
    if not rows:
        tell(say("account.cli.nobody"))
        return
    names = _district_names(folder)
    columns = ("name", "label", "role", "district", "unit", "state", "codes", "created")
    print_table(
        columns,
        (
            (
                one.name,
                one.label,
                _role(one),
                names.get(one.district, one.district),
                one.unit,
                _state(one),
                "✓" if one.has_totp else "",
                _local(one.created_at)[:10],
            )
            for one in rows
        ),
    )


@user.command(help=say("account.cli.change"), short_help=say("account.cli.change_short"))
@folder
@name
@click.option("--role", type=ROLES, metavar="ROLE", help=say("account.cli.role"))
@click.option("--label", metavar="TEXT", help=say("account.cli.label"))
@click.option("--district", metavar="CODE", help=say("account.cli.district"))
@click.option("--unit", metavar="TEXT", help=say("account.cli.unit"))
@click.option("--openid", is_flag=True, help=say("account.cli.openid"))
@reason
def change(
    folder: Path,
    name: str,
    role: str | None,
    label: str | None,
    district: str | None,
    unit: str | None,
    openid: bool,
    reason: str,
) -> None:
    """Change what an account says of a person, or who vouches for it."""
    from geodata.ledger import accounts

    given = {"role": role, "label": label, "district": district, "unit": unit}
    columns = {key: value for key, value in given.items() if value is not None}
    if not columns and not openid:
        raise AtlasError(say("account.cli.nothing"))
    ledger = opened(folder)
    found = _named(ledger, name)
    if "district" in columns:
        columns["district"] = district_code(folder, columns["district"])
    if columns:
        found = accounts.change(ledger, TERMINAL, found.id, reason=reason, **columns)
    if openid:
        found = accounts.sign_in_elsewhere(ledger, TERMINAL, found.id, reason)
    tell(say("account.cli.changed", name=found.name, role=_role(found)))


@user.command(help=say("account.cli.disable"), short_help=say("account.cli.disable_short"))
@whose
@reason
def disable(ledger: Ledger, one: Account, reason: str) -> None:
    """Shut an account out."""
    from geodata.ledger import accounts

    accounts.disable(ledger, TERMINAL, one.id, reason)
    tell(say("account.cli.disabled", name=one.name))


@user.command(help=say("account.cli.enable"), short_help=say("account.cli.enable_short"))
@whose
@reason
def enable(ledger: Ledger, one: Account, reason: str) -> None:
    """Let a disabled account in again."""
    from geodata.ledger import accounts

    accounts.enable(ledger, TERMINAL, one.id, reason)
    tell(say("account.cli.enabled", name=one.name))


@user.command(help=say("account.cli.reset"), short_help=say("account.cli.reset_short"))
@whose
@click.option("--without-codes", is_flag=True, help=say("account.cli.without_codes"))
@reason
def reset(ledger: Ledger, one: Account, without_codes: bool, reason: str) -> None:
    """Print a new first password, alone on stdout."""
    from geodata.ledger import accounts

    first = accounts.reset_password(
        ledger, TERMINAL, one.id, reason=reason, without_codes=without_codes
    )
    tell(say("account.cli.first"))
    click.echo(first)


@user.command(help=say("account.cli.unlock"), short_help=say("account.cli.unlock_short"))
@whose
def unlock(ledger: Ledger, one: Account) -> None:
    """Forget failed sign-ins of a name."""
    from geodata.ledger import accounts

    done = accounts.unlock(ledger, TERMINAL, one.name)
    tell(say("account.cli.unlocked" if done else "account.cli.not_locked", name=one.name))


@user.command(help=say("account.cli.sessions"), short_help=say("account.cli.sessions_short"))
@whose
def sessions(ledger: Ledger, one: Account) -> None:
    """Where an account is signed in."""
    from geodata.ledger import sessions as held

    rows = held.places(ledger, one.id)
    if not rows:
        tell(say("account.cli.nowhere", name=one.name))
        return
    print_table(
        ("began", "active", "address", "agent"),
        ((_local(row.created_at), _local(row.active_at), row.address, row.agent) for row in rows),
    )


@user.command(
    "sign-out", help=say("account.cli.sign_out"), short_help=say("account.cli.sign_out_short")
)
@whose
def sign_out(ledger: Ledger, one: Account) -> None:
    """End all sessions of an account."""
    from geodata.ledger import accounts

    count = accounts.sign_out(ledger, TERMINAL, one.id)
    tell(say("account.cli.signed_out", name=one.name, count=count))


@user.group(
    cls=ChineseGroup,
    help=say("account.cli.screen"),
    short_help=say("account.cli.screen_short"),
)
def screen() -> None:
    """Wall screens."""


@screen.command(
    "add", help=say("account.cli.screen_add"), short_help=say("account.cli.screen_add_short")
)
@folder
@click.argument("label", metavar=say("account.cli.word_screen"))
def screen_add(folder: Path, label: str) -> None:
    """Enrol a screen; its address is the only line on stdout."""
    from dashboard import settings
    from geodata.ledger import screens

    token = screens.enrol(opened(folder, create=True), TERMINAL, label)
    chosen = settings.read(workspace=folder)
    base = chosen.public_url or f"http://{chosen.host}:{chosen.port}"
    tell(say("account.cli.screen_added", label=label))
    click.echo(f"{base}/wall?screen={token}")


@screen.command(
    "list", help=say("account.cli.screen_list"), short_help=say("account.cli.screen_list_short")
)
@folder
def screen_list(folder: Path) -> None:
    """All screens as a table."""
    from geodata.ledger import screens

    rows = screens.all_screens(opened(folder))
    if not rows:
        tell(say("account.cli.screen_none"))
        return
    states = (say("account.state.active"), say("account.state.disabled"))
    print_table(
        ("id", "screen", "state", "created"),
        ((one.id, one.label, states[one.revoked], _local(one.created_at)[:10]) for one in rows),
    )


@screen.command(
    "revoke",
    help=say("account.cli.screen_revoke"),
    short_help=say("account.cli.screen_revoke_short"),
)
@folder
@click.argument("which", metavar=say("account.cli.word_which"))
@reason
def screen_revoke(folder: Path, which: str, reason: str) -> None:
    """Shut a screen out, named by its label or id."""
    from geodata.ledger import screens

    ledger = opened(folder)
    rows = screens.all_screens(ledger)
    found = [one for one in rows if one.id == which] or [
        one for one in rows if one.label == which and not one.revoked
    ]
    if len(found) > 1:
        raise AtlasError(
            say("account.cli.which_screen"),
            value=which,
            cure=say("error.allowed", names="、".join(one.id for one in found)),
        )
    identifier = found[0].id if found else which
    gone = screens.revoke(ledger, TERMINAL, identifier, reason)
    tell(say("account.cli.screen_revoked", label=gone.label))


def district_code(folder: Path, given: str) -> str:
    """The canonical code of a district that is given by name or code; "" for "".

    Raises
    ------
    UnknownName : when there is none of that name or code; tells which there are.
    AtlasError : when several have the name.
    """
    from geodata import tree, workspace
    from geodata.edition import Edition

    if not given:
        return ""
    try:
        edition = Edition.open(folder)
    except EditionError:
        # Before the first build nobody knows the names; a code can be told by its length.
        space = workspace.load(folder)
        code = tree.canonical(given, _second(space), space.leaf, space.codes)
        if not code or not code.isascii():
            raise AtlasError(
                say("account.cli.district_unread"),
                value=given,
                cure=say("account.cli.district_unread_cure"),
            ) from None
        return code
    regions = edition.regions(_second(edition.space).id)
    pairs = list(zip(regions["code"].astype(str), regions["name"].astype(str), strict=True))
    code = tree.canonical(given, _second(edition.space), edition.space.leaf, edition.space.codes)
    found = [one for one, called in pairs if one == code or called == given]
    allowed = "、".join(f"{called}（{one}）" for one, called in pairs)
    if len(found) != 1:
        kind = AtlasError if found else UnknownName
        raise kind(
            say("account.cli.district_many" if found else "account.cli.district_unknown"),
            value=given,
            cure=say("error.allowed", names=allowed),
        )
    return found[0]


def _second(space: Workspace) -> Level:
    """The level below the root: what a district's officer answers for."""
    return space.levels[min(1, len(space.levels) - 1)]


def _district_names(folder: Path) -> dict[str, str]:
    """Names of districts by code, as far as an edition tells."""
    from geodata.edition import Edition

    try:
        edition = Edition.open(folder)
    except AtlasError:
        return {}
    regions = edition.regions(_second(edition.space).id)
    return dict(zip(regions["code"].astype(str), regions["name"].astype(str), strict=True))


def _named(ledger: Ledger, name: str) -> Account:
    from geodata.ledger import accounts

    found = accounts.named(ledger, name)
    if found is None:
        raise UnknownName(say("account.unknown"), value=name, cure=say("account.unknown_cure"))
    return found


def _typed() -> str:
    """A password from standard input: its first line."""
    try:
        line = sys.stdin.buffer.readline(4096).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        line = ""
    if not line:
        raise AtlasError(say("account.cli.empty_stdin"))
    return line


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], console: Console | None = None
) -> None:
    """Rows as a table, on stdout unless another console is given; `columns` are keys of words.

    A column in which nothing stands is left out, and nothing is cut off.
    """
    console = console or Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    held = list(rows)
    table = Table()
    kept = [place for place in range(len(columns)) if any(row[place] for row in held)]
    for place in kept:
        table.add_column(say(f"account.column.{columns[place]}"), overflow="fold")
    for row in held:
        # Text: square brackets in a name are no markup.
        table.add_row(*(Text(row[place]) for place in kept))
    console.print(table)


def _role(account: Account) -> str:
    return say(f"account.role.{account.role}")


def _state(account: Account) -> str:
    if account.disabled:
        return say("account.state.disabled")
    if not account.has_password:
        return say("account.state.elsewhere" if account.issuer else "account.state.waiting")
    return say("account.state.first" if account.must_change else "account.state.active")


def _local(at: str) -> str:
    """A moment as the clock on the wall told it."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
