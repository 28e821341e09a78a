"""Migrations as they lie in migrations/: numbered SQL, named as sentences, rendered once for each tenant."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "migrations"
LOGS = ("audit_event", "access_entry")


@dataclass(frozen=True, slots=True)
class Script:
    """One migration: its number, its sentence, its SQL with @tenant@ for the tenant's hex id."""

    version: int
    name: str
    sql: str

    def render(self, tenant_hex: str) -> str:
        return self.sql.replace("@tenant@", tenant_hex)


@cache
def scripts(kind: str) -> tuple[Script, ...]:
    """All migrations of `platform` or `tenant`, in order. Raises ValueError for a number that stands twice."""
    found = []
    for path in sorted((ROOT / kind).glob("[0-9]*.sql")):
        number, _, name = path.stem.partition("_")
        found.append(Script(int(number), name.replace("_", " "), path.read_text()))
    if len({s.version for s in found}) != len(found):
        raise ValueError(f"migrations/{kind}: a number stands twice")
    return tuple(found)


def partitions(tenant_hex: str, first: date, months: int) -> str:
    """SQL that makes the log partitions of `months` months from `first` on, where they are missing."""
    lines = []
    month = first.replace(day=1)
    for _ in range(months):
        after = (
            (month.replace(year=month.year + 1, month=1)) if month.month == 12 else month.replace(month=month.month + 1)
        )
        for table in LOGS:
            name = f"tenant_{tenant_hex}.{table}_{month:%Y%m}"
            lines.append(
                f"create table if not exists {name} partition of tenant_{tenant_hex}.{table}"
                f" for values from ('{month} 00:00:00+00') to ('{after} 00:00:00+00');"
                f"alter table {name} enable row level security;"
                f"create or replace trigger never_truncated before truncate on {name}"
                f" execute function tenant_{tenant_hex}.refuse_change();"
            )
        month = after
    return "\n".join(lines)
