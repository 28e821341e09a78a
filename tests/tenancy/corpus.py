"""Statements that an attacker runs who has found an SQL injection as Alice of Acme, or the password of onyx_app.

Each case is a list of statements, run in order, each under its own savepoint, with {placeholders} filled in. Nothing
is expected of a case but that the wall holds afterwards: what test_attack.py checks is the same for all.
"""

from __future__ import annotations

from importlib import import_module

TABLES = (
    "app_user", "profile", "credential", "user_role", "login_session", "project", "chat_session", "chat_message",
    "user_file", "file_passage", "audit_event", "access_entry", "totp", "recovery_code", "passkey", "factor_challenge",
    "password_reset", "confirmation", "outgoing_mail",
)  # fmt: skip
CONTENT = ("project", "chat_session", "chat_message", "user_file", "file_passage")

CASES: dict[str, list[str]] = {}


def case(name: str, *statements: str) -> None:
    """Add a case; two of one name are a mistake."""
    assert name not in CASES, name
    CASES[name] = list(statements)


# What a role may always do to itself; the wall must stand nevertheless (test_self_alteration.py).
SELF = (
    "set role {acme}; alter role {acme} set role = '{globex}'; reset role",
    "alter role onyx_app password 'taken'", "alter role onyx_app set default_transaction_read_only = on",
    "alter role onyx_app set row_security = off", "alter role onyx_app set role = '{globex}'", "alter role onyx_app set statement_timeout = '1ms'",
    "alter role onyx_app set search_path = '{globex}'", "alter role onyx_app set local_preload_libraries = 'nosuch'", "alter role onyx_app set lock_timeout = 1",
    "alter role onyx_app set idle_in_transaction_session_timeout = 1", "alter role onyx_app set timezone = 'Pacific/Apia'", "alter role onyx_app in database onyx set row_security = off",
    "alter role onyx_app set client_encoding = 'SQL_ASCII'", "alter role onyx_app set default_transaction_isolation = 'serializable'",
    "alter role onyx_app set \"onyx.context\" = 'x'", "alter role onyx_app set datestyle = 'SQL, DMY'", "alter role onyx_app set bytea_output = 'escape'",
    "alter role onyx_app set standard_conforming_strings = off", "alter role onyx_app set intervalstyle = 'sql_standard'", "alter role onyx_app set enable_seqscan = off",
    "alter role onyx_app set idle_session_timeout = 1", "alter role onyx_app set default_transaction_deferrable = on", "alter role onyx_app set session_preload_libraries = 'nosuch'",
    "alter role onyx_app set plan_cache_mode = force_generic_plan", "alter role onyx_app set work_mem = '64kB'", "alter role onyx_app set array_nulls = off",
    "alter role onyx_app set transaction_timeout = 1", "alter role onyx_app set event_triggers = off", "alter role onyx_app set extra_float_digits = -15",
    "alter default privileges grant all on tables to public",
)  # fmt: skip

for _part in ("reading", "contexts", "objects", "oracles", "writing"):
    import_module(f"tests.tenancy.cases.{_part}")
