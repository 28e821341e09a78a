"""The list of organisations by name, people, storage and last use: pages meet, whatever the order (T1)."""

from __future__ import annotations

import base64
import os

import pytest

from onyx.core.ids import uuid7
from onyx.tenancy import migrate

LIST = "/api/v1/tenants"


@pytest.fixture(scope="module")
def some(owner_url, app):
    """Seven organisations that differ in everything, two of them in nothing but their id."""
    import psycopg

    mark, made = os.urandom(3).hex(), []
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for n, (name, size, days) in enumerate(
            [("Émile", 50, 1), ("beta", 900, 0), ("Alpha", 900, 3), ("beta", 7, 9), ("Zulu", None, None), ("gamma", 0, 2), ("%", 3, 400)]
        ):  # fmt: skip
            slug = f"sort-{mark}-{n}"
            id = migrate.provision(owner_url, slug, f"{name} {mark}")
            made.append((str(id), f"{name} {mark}", size, days))
            if size is None:
                continue
            owner.execute(
                "insert into onyx.tenant_size (tenant_id, measured_at, database_bytes, file_bytes, files, chats, messages)"
                " values (%s, now(), %s, 0, 0, 0, 0) on conflict (tenant_id) do update set database_bytes = excluded.database_bytes",
                [id, size],
            )
            owner.execute("delete from onyx.tenant_day where tenant_id = %s", [id])
            owner.execute(
                "insert into onyx.tenant_day (tenant_id, day, events, messages, sign_ins)"
                " values (%s, current_date - %s::integer, 1, 0, 0)",
                [id, days],
            )
            for _ in range(n):
                owner.execute(
                    "insert into onyx.directory (email_digest, tenant_id) values (%s, %s)", [uuid7().bytes, id]
                )
    return mark, made


def _all(petra, mark, sort, size):
    found, after = [], None
    while True:
        answer = petra.get(
            LIST, query_string={"q": mark, "sort": sort, "limit": size, **({"after": after} if after else {})}
        )
        assert answer.status_code == 200, answer.text
        found += [row["id"] for row in answer.get_json()["data"]]
        after = answer.get_json()["next"]
        if after is None:
            return found


@pytest.mark.parametrize(
    ("sort", "key", "falls"),
    [
        ("name", lambda n, one: (one[1].lower().encode(), one[0]), False),
        ("people", lambda n, one: (n if one[2] is not None else 0, one[0]), True),
        ("storage", lambda n, one: (-1 if one[2] is None else one[2], one[0]), True),
        ("active", lambda n, one: (-10_000 if one[3] is None else -one[3], one[0]), True),
    ],
)
def test_pages_of_each_order_meet_without_gap_or_double(client_of, some, sort, key, falls):
    mark, made = some
    petra = client_of("petra")
    expected = [one[0] for _, one in sorted(enumerate(made), key=lambda pair: key(*pair), reverse=falls)]
    for size in (1, 3, 7):
        assert _all(petra, mark, sort, size) == expected, size


def test_what_is_no_order_and_no_cursor_is_refused(client_of):
    petra = client_of("petra")
    assert petra.get(f"{LIST}?sort=slug").status_code == 422
    forged = [f"{uuid7().hex}|{key}" for key in ("x", "9" * 30, "", "2026-99-99")] + ["nonsense", "|", "\x00|1"]
    for text in [base64.urlsafe_b64encode(one.encode()).decode().rstrip("=") for one in forged] + ["%%%", str(uuid7())]:
        for sort in ("people", "storage", "active"):
            answer = petra.get(LIST, query_string={"sort": sort, "after": text})
            assert answer.status_code == 422 and "after" in answer.get_json()["error"]["fields"], (sort, text)
    assert (
        petra.get(LIST, query_string={"after": base64.urlsafe_b64encode(forged[0].encode()).decode()}).status_code
        == 422
    )


def test_the_list_says_when_each_was_used_last(client_of, some):
    mark, _ = some
    rows = client_of("petra").get(f"{LIST}?q={mark}&sort=active").get_json()["data"]
    used = [row["last_active"] for row in rows]
    assert (
        used[-1] is None and all(len(day) == 10 for day in used[:-1]) and used[:-1] == sorted(used[:-1], reverse=True)
    )
