"""Migrations as they lie in migrations/: numbered SQL, named as sentences, rendered once for each tenant."""

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


@cache
def whole(month: date, citus: bool = False) -> str:
    """Everything that a new tenant gets, prepared once: all scripts and the log partitions of two months.

    @tenant@ stands for the hex id. One round trip makes a tenant of it.
    """
    lines = [_CITUS] if citus else []
    lines += [unwrapped(script.sql) if citus else script.sql for script in scripts("tenant")]
    return "\n".join([*lines, partitions("@tenant@", month, 2)])


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
                f"alter table {name} enable row level security;"
                f"create or replace trigger never_truncated before truncate on {name}"
                f" execute function tenant_{tenant_hex}.refuse_change();"
            )
    return "\n".join(lines)
