"""What each kind of process brings: no more than it needs, since that is how long it takes to start; and no less."""

import json
import subprocess
import sys

import pytest

from onyx.app import COMMANDS
from tests.server import ROOT

_TOLD = """
import json, sys
from onyx.core import outbox
from onyx.mail.kinds import KINDS
print(json.dumps([sorted(outbox._carriers), sorted(KINDS), sorted(app.blueprints), sorted({"authlib", "joserfc", "markdown_it", "nh3", "OpenSSL", "scim2_models", "webauthn"} & set(sys.modules))]))
"""
_AS = {
    "web": "from gevent import monkey; monkey.patch_all(); from wsgi import app",
    "worker": """
import importlib
from onyx.app import create_app
from jobs.worker import FEATURES, MODULES
app = create_app(features=FEATURES)
for module in MODULES:
    importlib.import_module(f"jobs.{module}")
""",
    "command": "import sys; sys.argv = ['flask', 'tenants', 'list']; from wsgi import app",
}


@pytest.fixture(scope="module")
def brought(serving):
    def told(kind):
        done = subprocess.run(
            [sys.executable, "-c", _AS[kind] + _TOLD],
            cwd=ROOT,
            env=serving,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return {kind: told(kind) for kind in _AS}


def test_a_worker_delivers_and_writes_all_that_a_web_process_asks_for_without_the_web(brought):
    topics, letters, doors, rare = brought["worker"]
    assert [topics, letters] == brought["web"][:2]
    assert not doors and not rare


def test_a_command_delivers_what_it_changes_without_the_web(brought):
    topics, _, doors, rare = brought["command"]
    assert topics == brought["web"][0]
    assert not doors and not rare


def test_a_web_process_brings_what_few_need_when_somebody_does(brought):
    """SCIM, passkeys, single sign-on, a chat as a page: twenty megabytes, and a third of a start."""
    _, _, doors, rare = brought["web"]
    assert {"scim", "sso", "factors", "chat"} <= set(doors) and not rare


def test_all_our_commands_are_known_by_name(app):
    flasks = {"routes", "run", "shell"}
    assert (
        set(COMMANDS) == set(app.cli.list_commands(app.cli.make_context("flask", [], resilient_parsing=True))) - flasks
    )
