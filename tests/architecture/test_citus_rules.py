"""The same code on one PostgreSQL and on Citus (O3): rules that one PostgreSQL would not complain about.

Read from every migration and every statement in the code. What Citus refuses, and why each rule stands, is told in
docs/operations/scale-out.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from onyx.tenancy.scripts import scripts, unwrapped

ROOT = Path(__file__).resolve().parents[2]
TENANT = [(script.name, script.sql) for script in scripts("tenant")]
EVERY = [*TENANT, *((script.name, script.sql) for script in scripts("platform"))]
# Structure, copies and whole-tenant work as the owner, on the node itself; never under a tenant's role.
OWNERS = (
    "onyx/tenancy/", "onyx/backups/", "onyx/embedded/", "onyx/retention/archiving.py", "onyx/tenants/measuring.py",
    "onyx/tenants/removal.py",
)  # fmt: skip
VOLATILE = r"\b(?:random|gen_random_uuid|clock_timestamp|timeofday|nextval|uuid_generate_v\d)\s*\("


def _plain(sql: str) -> str:
    """Without comments and quoted text; bodies of functions stay."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", sql)).lower()


def _statements(sql: str) -> list[str]:
    """Top-level statements: bodies in dollar quotes and `begin atomic` belong to their statement."""
    hidden = re.sub(r"\$\$.*?\$\$", lambda m: m.group().replace(";", " "), _plain(sql), flags=re.S)
    hidden = re.sub(r"begin atomic.*?\bend;", lambda m: m.group()[:-1].replace(";", " ") + ";", hidden, flags=re.S)
    return [" ".join(one.split()) for one in hidden.split(";") if one.strip()]


def _spoken(path: Path) -> Iterator[tuple[int, str]]:
    """Texts in the code that look like statements; an f-string with its holes empty."""
    for node in ast.walk(ast.parse(path.read_text())):
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        if re.match(r"\s*(?:with|select|insert|update|delete|merge|copy|alter|create|lock|refresh)\s", text, re.I):
            yield node.lineno, _plain(text)


@cache
def _served() -> list[tuple[str, str]]:
    """Every statement of the code that serves, with where it stands."""
    found = []
    for folder in ("onyx", "jobs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(OWNERS):
                found += [(f"{name}:{line}", text) for line, text in _spoken(path)]
    return found


FORBIDDEN = {
    r"\bforce row level security\b": "an online move of a tenant hangs: no serving role is an owner instead",
    r"\bmaterialized view\b": "it exists on the coordinator alone: use a table",
    r"\b(?:big|small)?serial\b": "use uuid, or an identity column in CREATE TABLE",
    r"\bpg_notify\b|^\s*(?:notify|listen)\b": "it is heard on one node only: use the outbox",
    r"\bcreate (?:or replace )?rule\b": "Citus knows no rules",
    r"\binherits\s*\(": "Citus knows no inheritance",
    r"\bmerge into\b[^;]*\busing\s*\(?\s*values\b": "Citus refuses it: use INSERT … ON CONFLICT",
    r"\bset schema\b": "refused for tables with foreign keys",
    r"\brename constraint\b": "not supported: drop it and add another",
    r"\balter sequence\b": "not supported on distributed sequences",
    r"\bdetach partition [^;]*concurrently\b": "not supported: detach without it",
    r"\bpg_advisory_lock\b|\bpg_try_advisory_lock\b": "of a session: take one of the transaction (…_xact_lock)",
    r"\bset session\b|\bset_config\([^)]*,\s*false\s*\)": "settings are of one transaction alone",
}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_that_citus_refuses_or_forgets(pattern):
    for name, sql in TENANT:
        assert not re.search(pattern, _plain(sql), re.M), f"migrations/tenant: {name}: {FORBIDDEN[pattern]}"
    for where, text in _served():
        assert not re.search(pattern, text, re.M), f"{where}: {FORBIDDEN[pattern]}"


def test_no_copy_under_a_tenants_role():
    """COPY FROM passes by row-level security on the node that owns the tenant."""
    for where, text in _served():
        assert not re.match(r"\s*copy\s", text), f"{where}: insert rows instead"
    for path in sorted((ROOT / "onyx").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(OWNERS):
            assert '.copy("copy' not in path.read_text().lower(), f"{name}: insert rows instead"


def test_values_of_changes_come_from_python_or_now():
    """Citus refuses volatile functions in UPDATE and DELETE; INSERT may have them."""
    for where, text in [*_served(), *((name, one) for name, sql in TENANT for one in _statements(sql))]:
        for change in re.findall(
            r"(?:^|\(|;|\bas\b)\s*((?:update\s+(?:only\s+)?[\w.]+\s+(?:\w+\s+)?set|delete\s+from)\b.*)", text, re.S
        ):
            rest = re.split(r"\binsert\s+into\b", change)[0]
            assert not re.search(VOLATILE, rest) or "onyx." in rest or _of_the_control_plane(where), (
                f"{where}: {rest[:80]}: compute it in Python, or use now()"
            )


# These run on the control plane's own connection, which is never distributed.
CONTROL = ("onyx/edge/bus.py", "onyx/edge/gate.py", "jobs/due.py", "jobs/upkeep.py", "onyx/tenants/")


def _of_the_control_plane(where: str) -> bool:
    return where.startswith(CONTROL)


def test_every_table_of_a_tenant_has_a_primary_key():
    """Without one its rows cannot be moved while they are written to."""
    for name, sql in TENANT:
        for table in re.findall(r"\bcreate table (?:if not exists )?(\w+)", _plain(sql)):
            body = re.search(rf"\bcreate table (?:if not exists )?{table}\b(.*?);", _plain(sql), re.S)
            assert body and "primary key" in body.group(1), f"{name}: {table} needs a primary key"


def test_constraints_have_names():
    """Citus adds no constraint without a name, and errors are told apart by names."""
    for name, sql in TENANT:
        for one in _statements(sql):
            if not re.match(r"create table|alter table", one) or " partition of " in one:
                continue
            inside = one[one.find("(") + 1 :] if one.startswith("create") else one
            while (less := re.sub(r"\([^()]*\)", "", inside)) != inside:
                inside = less
            for part in inside.split(","):
                kinds = re.findall(r"\b(?:primary key|foreign key|check\b|unique\b|references\b)", part)
                asked = len(kinds) - ("foreign key" in kinds)  # `references` belongs to it
                assert asked <= part.count("constraint "), f"{name}: {part.strip()[:100]}: CONSTRAINT name …"


def test_columns_and_constraints_are_added_one_by_one():
    for name, sql in TENANT:
        for one in _statements(sql):
            if re.match(r"alter table \S+ add column", one):
                column = re.split(r"\badd column\b", one)
                assert not any("constraint" in part or "check (" in part for part in column), (
                    f"{name}: {one[:80]}: add the column, then the constraint, each in a statement of its own"
                )
                assert "generated" not in one or "identity" not in one, f"{name}: no identity column can be added later"


SHARED = {
    "chat_retention": "asked beside what the control plane told the job: a copy that lags lets less go, never more",
    "tenant": "quotas are read from the row of the same node, which on further nodes is a copy (onyx.tenancy.nodes)",
    "live_session": "filled once, by a script for those who were there before there were nodes",
}


def _pure() -> set[str]:
    """Functions of the control plane that read nothing: every node has them, since platform migrations run on each."""
    made = [
        re.match(r"create (?:or replace )?function onyx\.(\w+)", one) for _, sql in EVERY for one in _statements(sql)
    ]
    return {found.group(1) for found in made if found and re.search(r"\bimmutable\b", found.string)}


def test_nothing_of_a_tenant_refers_outside_it():
    """No foreign key, view or trigger leaves the schema; only the functions that judge a context are shared."""
    for name, sql in TENANT:
        text = _plain(sql)
        for other in re.findall(r"\bonyx\.(\w+)", text):
            assert other.startswith("ctx") or other in SHARED or other in _pure(), (
                f"{name}: onyx.{other}: the control plane has its own connection"
            )
        assert not re.search(r"\breferences\s+\w+\.", text), f"{name}: a foreign key stays inside the schema"
        for other in re.findall(r"\bpublic\.(\w+)", text):
            raise AssertionError(f"{name}: public.{other}: nothing outside the schema")


def test_views_run_as_whoever_asks_and_are_granted_by_name():
    for name, sql in TENANT:
        for view in re.findall(r"\bcreate (?:or replace )?view (\w+)", _plain(sql)):
            assert re.search(rf"view {view}\s+with\s*\(\s*security_invoker", _plain(sql)), (
                f"{name}: {view}: security_invoker"
            )
            assert re.search(rf"grant select on [^;]*\b{view}\b", _plain(sql)), f"{name}: grant {view} by its name"


def test_triggers_take_the_tables_name_from_nowhere():
    """On a node a table's name ends in its shard's number: TG_TABLE_NAME may be shown, never decided by."""
    for name, sql in TENANT:
        for line in sql.lower().splitlines():
            if "tg_table_name" in line:
                assert "raise" in line or "format" in line, f"{name}: {line.strip()}"


def test_policies_have_a_form_without_sub_selects():
    """Citus refuses a sub-select in a policy: what is wrapped for one PostgreSQL is unwrapped for it, and no more."""
    seen = 0
    for name, sql in TENANT:
        ours, theirs = _policies(sql), _policies(unwrapped(sql))
        assert len(ours) == len(theirs)
        for policy, bare in zip(ours, theirs, strict=True):
            seen += 1
            assert not re.search(r"\(\s*select\b", bare), (
                f"{name}: {bare[:120]}: compare columns with onyx.ctx_…() alone"
            )
            assert bare.count("onyx.ctx_") == policy.count("onyx.ctx_") > 0, f"{name}: {policy[:120]}"
        assert re.sub(r"create policy[^;]*;", "", sql) == re.sub(r"create policy[^;]*;", "", unwrapped(sql))
    assert seen > 50


def _policies(sql: str) -> list[str]:
    return re.findall(r"^create policy\b[^;]*;", sql, re.M)


def test_every_context_call_is_wrapped_for_one_postgresql():
    """Else it would run once for each row."""
    for name, sql in EVERY:
        for policy in _policies(sql):
            rest = re.sub(r"\(select onyx\.ctx_\w+\([^()]*\)\)", "", policy)
            rest = re.sub(r"\(select (?:\(onyx\.ctx\(\)\)|onyx\.ctx)[^;]*?\)", "", rest)
            assert "onyx.ctx" not in rest, f"{name}: {policy[:120]}: (select onyx.ctx_…(…))"
