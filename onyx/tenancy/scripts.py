"""Migrations as they lie in migrations/: numbered SQL, named as sentences, rendered once for each tenant."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "migrations"
LOGS = ("audit_event", "access_entry")


_BREAKS = re.compile(r"^-- needs newer code: *(\S.*)$", re.M)


@dataclass(frozen=True, slots=True)
class Script:
    """One migration: its number, its sentence, its SQL with @tenant@ for the tenant's hex id."""

    version: int
    name: str
    sql: str
    kind: str = "tenant"

    @property
    def needs_newer_code(self) -> str | None:
        """Why code from before this script cannot work after it; None for one that only adds (onyx.tenancy.fit)."""
        said = _BREAKS.search(self.sql)
        return said[1].strip() if said else None

    def render(self, tenant_hex: str, citus: bool = False) -> str:
        return (unwrapped(self.sql) if citus else self.sql).replace("@tenant@", tenant_hex)


@cache
def scripts(kind: str) -> tuple[Script, ...]:
    """All migrations of `platform` or `tenant`, in order. Raises ValueError for a number that stands twice."""
    found = []
    for path in sorted((ROOT / kind).glob("[0-9]*.sql")):
        number, _, name = path.stem.partition("_")
        found.append(Script(int(number), name.replace("_", " "), path.read_text(), kind))
    if len({s.version for s in found}) != len(found):
        raise ValueError(f"migrations/{kind}: a number stands twice")
    return tuple(found)


def fingerprint(kind: str) -> bytes:
    """SHA-256 over all scripts of `platform` or `tenant`: what was made by others differs."""
    return hashlib.sha256("\n".join(one.sql for one in scripts(kind)).encode()).digest()


@cache
def whole(month: date, citus: bool = False) -> str:
    """Everything that a new tenant gets, prepared once: all scripts and the log partitions of two months.

    @tenant@ stands for the hex id. One round trip makes a tenant of it.
    """
    lines = [_CITUS] if citus else []
    lines += [unwrapped(script.sql) if citus else script.sql for script in scripts("tenant")]
    return _walled_at_last(_granted_as_made("\n".join([*lines, partitions("@tenant@", month, 2)])))


_HOME = "create schema tenant_@tenant@;\n"
_TOGETHER = "grant execute on all functions in schema tenant_@tenant@ to tenant_@tenant@;\n"
_BY_NAME = re.compile(r"^grant execute on function\b[^;]*;", re.M)


def _granted_as_made(sql: str) -> str:
    """The same catalogue without naming a function: each is granted as it is made, up to where all of them last are.

    To find a function by its name PostgreSQL reads those of that name in all schemas: 10 ms each with 1,000 tenants.
    """
    before, together, after = sql.rpartition(_TOGETHER)
    if not together:  # scripts from before there was such a grant
        return sql
    default = "alter default privileges in schema tenant_@tenant@ {} execute on functions {} tenant_@tenant@;\n"
    before = _BY_NAME.sub("", before).replace(_TOGETHER, "").replace(_HOME, _HOME + default.format("grant", "to"), 1)
    return before + default.format("revoke", "from") + after


_WALL = re.compile(r"^alter table [\w.@]+ enable row level security;$", re.M)


def _walled_at_last(sql: str) -> str:
    """The same catalogue with row security switched on when all policies stand, in the same transaction.

    While it is on PostgreSQL reads all policies of a table anew after each statement about it: a seventh of the work.
    """
    return "\n".join([_WALL.sub("", sql), *_WALL.findall(sql)])


_CITUS = "set local citus.enable_schema_based_sharding = on; set local citus.enable_unsafe_triggers = on;"
_POLICY = re.compile(r"^create policy\b[^;]*;", re.M)
_WRAPPED = re.compile(r"\(select (onyx\.ctx_\w+\([^()]*\))\)")


def unwrapped(sql: str) -> str:
    """The same script with its policies as Citus accepts them: it refuses sub-selects in a policy.

    On one PostgreSQL each call of the context is wrapped as `(select …)`, so that it runs once for each statement.
    """
    return _POLICY.sub(lambda policy: _WRAPPED.sub(r"\1", policy.group()), sql)


def months_from(first: date, months: int) -> list[date]:
    """The first days of `months` months, that of `first` being the first."""
    count = first.year * 12 + first.month - 1
    return [date((count + n) // 12, (count + n) % 12 + 1, 1) for n in range(months)]


def partitions(tenant_hex: str, first: date, months: int) -> str:
    """SQL that makes the log partitions of `months` months from `first` on, where they are missing."""
    starts = months_from(first, months + 1)
    lines = []
    for month, after in pairwise(starts):
        for table in LOGS:
            name = f"tenant_{tenant_hex}.{table}_{month:%Y%m}"
            lines.append(
                f"create table if not exists {name} partition of tenant_{tenant_hex}.{table}"
                f" for values from ('{month} 00:00:00+00') to ('{after} 00:00:00+00');"
                f"\nalter table {name} enable row level security;\n"
                f"create or replace trigger never_truncated before truncate on {name}"
                f" execute function tenant_{tenant_hex}.refuse_change();"
            )
    return "\n".join(lines)
