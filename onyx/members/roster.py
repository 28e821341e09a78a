"""People as a table: what a CSV file says of them, row by row, and how they stand in one (I1, F50)."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from onyx.access.inviting import invite
from onyx.access.people import add_person, checked_email, grantable_roles, must_be_of_a_domain
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Invalid, OnyxError
from onyx.core.scope import current_scope
from onyx.core.secrets import email_digest
from onyx.tenancy.settings import settings_of

MOST = 5_000
COLUMNS = ("email", "display_name", "roles", "status", "created_at", "last_login_at")
# What a spreadsheet takes for a formula (OWASP, CSV Injection): where a cell begins, and behind each character at which
# one of another language, or with other settings, could begin a new cell or line.
_RUNS = r"'*[ \u00a0]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"(^|[;,|\t\r\n\"])(?={_RUNS})")
_MADE_SAFE = re.compile(rf"(^|[;,|\t\r\n\"])'(?={_RUNS})")
_PARTED_BY = (",", ";", "\t")
_TAKEN = "select email_digest from app_user where email_digest = any(%s)"


@dataclass(slots=True)
class Row:
    """One line of a file: what it asks for, and why that is refused, if it is."""

    line: int
    email: str
    display_name: str
    roles: list[str]
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def told(self, done: str) -> dict[str, Any]:
        """The row's part of the answer; `done` is what became of it unless it was refused."""
        outcome = "refused" if self.error else done
        told = {"line": self.line, "email": self.email, "roles": self.roles, "result": outcome, **self.result}
        return {**told, "error": self.error} if self.error else told


def read(text: str) -> list[Row]:
    """The rows of a file with a header line: `email`, and perhaps `display_name` (or `name`) and `roles`.

    Columns are parted by what parts them in that line: commas, semicolons or tabs; roles by blanks. Raises Invalid for
    what is no such file.
    """
    if "\x00" in text:
        raise _no_table("The file holds NUL characters.")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_parted_by(text))
        names = _names(next(reader))
        found = [_row(reader.line_num, names, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise _no_table(f"The file is not a table: {error}.") from None
    if len(found) > MOST:
        raise _no_table(f"A file may hold {MOST} people at most.")
    return found


def check(session: Session, actor: Actor, found: list[Row]) -> None:
    """Write into each row why it would be refused: malformed, twice in the file, here already, roles beyond reach."""
    there = {row.email_digest for row in rows(session, _TAKEN, [email_digest(row.email) for row in found])}
    seen: set[bytes] = set()
    domains = settings_of(current_scope()).email_domains
    refused: dict[tuple[str, ...], str] = {}
    for row in found:
        digest, roles = email_digest(row.email), tuple(row.roles)
        if roles not in refused:
            refused[roles] = _refusal(lambda some=row.roles: grantable_roles(session, actor, some))  # type: ignore[misc]
        row.error = _refusal(lambda one=row.email: _checked(one, domains)) or refused[roles]  # type: ignore[misc]
        if not row.error and digest in seen:
            row.error = "This e-mail stands in the file already."
        elif not row.error and digest in there:
            row.error = "Somebody with this e-mail is here already."
        seen.add(digest)


def take(session: Session, actor: Actor, row: Row, accounts: bool, by_mail: bool) -> Any:
    """Do what a row asks for: an account without a password, or an invitation (returned). Raises OnyxError."""
    if accounts:
        add_person(session, actor, email=row.email, name=row.display_name, roles=row.roles, password=None)
        return None
    return invite(session, actor, by_mail, email=row.email, display_name=row.display_name, roles=row.roles)


def lines(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    """People as CSV (RFC 4180), a page at a time, with nothing in it that a spreadsheet would run."""
    yield _line(COLUMNS)
    for page in pages:
        yield "".join(_line([_cell(person[name]) for name in COLUMNS]) for person in page)


def _parted_by(text: str) -> str:
    """The character by which the header line has a column `email`. Raises Invalid where there is none."""
    for character in _PARTED_BY:
        head = csv.reader(io.StringIO(text, newline=""), delimiter=character)
        if "email" in _names(next(head, [])):
            return character
    raise _no_table("The first line must name the columns; one of them must be email.")


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _row(line: int, names: list[str], cells: list[str]) -> Row:
    said = dict(zip(names, (_plain(cell.strip()) for cell in cells), strict=False))
    name = said.get("display_name") or said.get("name") or ""
    roles = sorted(set(re.split(r"[\s,;|]+", said.get("roles", "").strip().lower()))) if said.get("roles") else ["user"]
    row = Row(line, said.get("email", "").lower()[:254], name[:120], roles[:20])
    return row


def _checked(email: str, domains: tuple[str, ...]) -> None:
    must_be_of_a_domain(checked_email(email), domains)


def _refusal(rule: Any) -> str:
    try:
        rule()
    except OnyxError as error:
        return " ".join(error.fields.values()) if error.fields else error.message
    return ""


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)
    return out.getvalue()


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return _FORMULA.sub(r"\1'", text)


def _plain(text: str) -> str:
    """What an export made safe, as it was."""
    return _MADE_SAFE.sub(r"\1", text)


def _no_table(message: str) -> Invalid:
    return Invalid(message, fields={"file": message})
