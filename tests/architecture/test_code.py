"""Promises about the code itself, read from its syntax trees. Each failure says how to mend it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(path for folder in ("onyx", "jobs", "config") for path in (ROOT / folder).rglob("*.py"))
BELOW_THE_EDGE = ("core", "access", "audit", "identity", "tenancy")
QUIET_FILES = ("service.py", "queries.py", "models.py")
WEB = {"flask", "redis", "rq", "flask_socketio", "flask_login", "flask_limiter", "werkzeug"}

# What a module keeps between requests. Anything that belongs to a tenant must carry the tenant in its key.
STATE = {
    "onyx/core/outbox.py:_carriers": "functions by topic, filled at import",
    "onyx/core/secrets.py:_derived": "keys by use; of the installation",
    "onyx/edge/last_seen.py:_seen": "keyed by (tenant, user, session)",
    "onyx/edge/live.py:EVENTS": "the registry, filled at import",
    "onyx/edge/lockout.py:_listeners": "functions, filled at import",
    "onyx/edge/leaving.py:_LEAVES": "functions by namespace, filled at import",
    "onyx/edge/live.py:_JOINS": "functions by namespace, filled at import",
    "onyx/edge/open_sockets.py:_held": "keyed by (tenant, user)",
    "onyx/edge/open_sockets.py:_sockets": "each carries its tenant; looked up by the server's own sid",
    "onyx/edge/last_seen.py:_used": "keyed by (tenant, user, key)",
    "onyx/edge/new_events.py:_counted": "keyed by tenant",
    "onyx/edge/new_events.py:_watchers": "functions, filled at import",
    "onyx/embedded/background.py:_started": "processes of this machine",
    "onyx/embedded/terminal.py:before": "the terminal's group",
    "onyx/mail/kinds.py:KINDS": "functions by kind, filled at import",
    "onyx/monitoring/board.py:_live_sessions": "keyed by tenant",
    "onyx/monitoring/counters.py:_counted": "keyed by tenant",
    "onyx/monitoring/machine.py:_seen": "processes of this machine, no tenant",
    "onyx/chat/turns.py:_marked": "keyed by tenant",
    "onyx/tenancy/keyring.py:_rings": "keyed by (tenant, user)",
    "onyx/chat/replies.py:_tasks": "running greenlets, kept from the garbage collector",
    "jobs/runner.py:JOBS": "the registry, filled at import",
}
CACHED = {
    "onyx/apidocs/routes.py": "the API's description, the same for everybody",
    "onyx/apidocs/source.py": "source files of this checkout",
    "onyx/assistant/endpoint.py": "the one client of the language model, no content",
    "onyx/chat/export.py:_markdown": "the renderer, no content",
    "onyx/core/networks.py:_parsed": "texts of networks as networks; the argument carries all that decides",
    "onyx/core/wire.py:_row_of": "names of columns",
    "onyx/edge/gate.py:_permissions": "roles → permissions; arguments carry all that decides",
    "onyx/edge/limits.py:parsed": "limit texts of the source",
    "onyx/embedded/account.py": "the account of the data folder",
    "onyx/tenancy/boot_check.py": "what migrations say",
    "onyx/tenancy/policies.py:expected": "what migrations say",
    "onyx/tenancy/scripts.py:scripts": "files of this checkout",
    "onyx/tenancy/scripts.py:whole": "files of this checkout, rendered for each tenant anew",
    "onyx/work/ordering.py": "jobs of this checkout",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def test_only_core_db_commits():
    for path in CODE:
        if where(path).startswith("onyx/embedded/"):
            continue
        for call in _calls(path):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if name == "commit":
                assert where(path) == "onyx/core/db.py", f"{where(path)}:{call.lineno}: use unit_of_work()"


def test_the_environment_is_read_in_config_alone():
    allowed = {"onyx/tenancy/migrate.py"}  # its key comes from whoever runs it: no settings exist yet
    for path in CODE:
        name = where(path)
        if name.startswith(("config/", "onyx/embedded/")) or name in allowed:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.putenv"):
                pytest.fail(f"{name}:{node.lineno}: read it in config/settings.py")


def _module_state(path: Path) -> Iterator[str]:
    for node in tree(path).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        empty = (isinstance(value, ast.Dict) and not value.keys) or (isinstance(value, ast.List) and not value.elts)
        made = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in (
            "dict", "list", "set", "defaultdict", "Counter", "OrderedDict", "deque", "WeakKeyDictionary", "WeakValueDictionary",
        )  # fmt: skip
        if empty or made:
            yield from (f"{where(path)}:{target.id}" for target in targets if isinstance(target, ast.Name))


def test_modules_keep_nothing_that_could_mix_tenants():
    found = {name for path in CODE for name in _module_state(path)}
    assert found - STATE.keys() == set(), "give it a reason in STATE, or keep it in onyx.edge.state, keyed by tenant"


def test_caches_of_functions_are_known():
    for path in CODE:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = {ast.unparse(one).split("(")[0].split(".")[-1] for one in node.decorator_list}
            if names & {"cache", "lru_cache", "cached_property"}:
                known = where(path) in CACHED or f"{where(path)}:{node.name}" in CACHED
                assert known, f"{where(path)}:{node.name}: a cached function needs a reason in CACHED"


def test_no_lists_of_known_state_are_stale():
    for name in [*STATE, *CACHED]:
        file, _, inside = name.partition(":")
        assert (ROOT / file).exists() and inside in (ROOT / file).read_text(), f"{name} is gone: delete its line"


# `user` is also who speaks in a chat, and is no power.
GRANTED = {"admin", "auditor", "curator", "limited", "platform_admin"}


def test_nobody_asks_for_a_role_by_name():
    """Policy is on one screen: code asks for permissions."""
    for path in CODE:
        if where(path) in ("onyx/access/policy.py", "onyx/demo.py"):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Compare):
                said = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)} & GRANTED
                text = ast.unparse(node)
                if said or re.search(r"\bRole\.", text):
                    assert where(path).startswith("onyx/access/"), (
                        f"{where(path)}:{node.lineno}: {text}: ask actor.may(…)"
                    )


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno


def test_nothing_below_the_edge_knows_the_web_or_redis():
    for path in CODE:
        name = where(path)
        parts = name.split("/")
        if parts[0] != "onyx" or len(parts) < 3 or parts[1] in ("edge", "embedded"):
            continue
        if parts[1] not in BELOW_THE_EDGE and parts[-1] not in QUIET_FILES:
            continue
        for module, line in _imports(path):
            assert module.split(".")[0] not in WEB, f"{name}:{line}: {module} belongs to the edge"
            assert not module.startswith("onyx.edge"), f"{name}:{line}: {module} is above this file"


ABOVE = ("commands", "console")  # they lie above the features, and use several


def test_features_do_not_import_each_other(app):
    from onyx.app import FEATURES

    for path in CODE:
        name = where(path).split("/")
        if name[0] == "onyx" and len(name) > 2 and name[1] in FEATURES and name[1] not in ABOVE:
            for module, line in _imports(path):
                other = module.split(".")[1] if module.startswith("onyx.") else ""
                assert other == name[1] or other not in FEATURES, (
                    f"{where(path)}:{line}: {module}: move it down a layer"
                )


def test_files_and_functions_stay_small():
    for path in CODE:
        assert len(path.read_text().splitlines()) <= 300, f"{where(path)} has more than 300 lines: two jobs?"
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                assert length <= 40, f"{where(path)}:{node.lineno}: {node.name} has {length} lines"


def test_no_junk_drawers():
    for path in CODE:
        assert not {"utils", "helpers", "common", "managers", "misc"} & {
            part.removesuffix(".py") for part in path.parts
        }


def test_statements_are_never_built_from_what_people_send():
    """f-strings with SQL words occur only where names of schemas are put in; everything else is a parameter."""
    # In the last two, conditions written in the same file are joined; their values are parameters.
    allowed = ("onyx/tenancy/", "onyx/embedded/", "jobs/due.py", "onyx/trail/queries.py")
    for path in CODE:
        if where(path).startswith(allowed):
            continue
        for call in _calls(path):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in _RUN and len(call.args) > _RUN[name] and _made_up(call.args[_RUN[name]]):
                pytest.fail(f"{where(path)}:{call.lineno}: pass values as parameters")


def test_fixed_statements_stand_in_the_source():
    """They are prepared and believed to leave nothing behind: made at import, out of constants alone."""
    made = 0
    for path in CODE:
        top = [node.value for node in tree(path).body if isinstance(node, ast.Assign)]
        for call in _calls(path):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) == "Fixed":
                made += 1
                assert call in top, f"{where(path)}:{call.lineno}: make a Fixed at the top of its module"
                assert isinstance(call.args[0], (ast.Constant, ast.JoinedStr)), f"{where(path)}:{call.lineno}"
                assert not _made_up(call.args[0]), f"{where(path)}:{call.lineno}: put nothing into a Fixed"
    assert made > 10


# Where the statement stands among the arguments.
_RUN = {"exec_driver_sql": 0, "text": 0, "rows": 1}


def _made_up(argument: ast.expr) -> bool:
    """Whether a statement has something put into it that is no constant of its module."""
    parts = [one.value for one in ast.walk(argument) if isinstance(one, ast.FormattedValue)]
    return any(not (isinstance(part, ast.Name) and part.id.isupper()) for part in parts)


WATCHED = ("onyx/edge", "onyx/access", "onyx/members", "onyx/roles", "onyx/chat")


def test_what_catches_everything_tells_of_it_or_raises_it_again():
    """A broad `except` that says nothing hides a defect: log with context, raise again, or catch what is meant."""
    silent, looked_at = [], 0
    for folder in WATCHED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            telling = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _logs(node)}
            for node in ast.walk(tree):
                if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                    looked_at += 1
                    if not _tells(node, telling):
                        silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert looked_at > 15 and silent == []


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    )


def _tells(handler: ast.ExceptHandler, telling: set[str]) -> bool:
    calls = {
        node.func.id for node in ast.walk(handler) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return _logs(handler) or bool(calls & telling) or any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _logs(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "_log" for part in ast.walk(node))
