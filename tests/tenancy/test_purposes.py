"""The same attack from requests and jobs of other purposes: what their own work may see and change, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.tenancy import attack
from tests.tenancy.corpus import CASES, CONTENT


@dataclass(frozen=True)
class Purpose:
    """Who acts, and what this purpose rightly reaches in its own tenant beyond itself."""

    name: str
    person: str | None
    reads_hashes: bool = False


# Purposes that work inside one tenant: their transactions commit, as those of requests do.
INSIDE = [
    Purpose("admin", "dana"),
    Purpose("auditor", "carol"),
    Purpose("auth", "alice", reads_hashes=True),
    Purpose("job:sessions", None),
    Purpose("job:access_log", None),
    Purpose("job:isolation", None),
    Purpose("job:replies", None),
    Purpose("job:retention", None),
    Purpose("job:transfer", "bob"),
]
# Purposes that may rightly change what concerns every tenant (their status, their directory): never committed here.
ACROSS = [Purpose("platform", "petra"), Purpose("job:provision", None), Purpose("job:control", None)]


@pytest.fixture
def fresh_stage(stage):
    stage.queries = {}
    yield stage
    stage.queries = {}


@pytest.mark.parametrize("purpose", INSIDE, ids=lambda p: p.name)
def test_the_wall_holds_for_other_purposes(fresh_stage, purpose):
    stage = fresh_stage
    attack.fingerprint(stage)  # finds out which tables there are
    stage.queries = {name: query for name, query in stage.queries.items() if _not_its_own(stage, name)}
    before = attack.fingerprint(stage)
    heard = _everything(stage, purpose, keep=True)
    assert _leaked(stage, heard, purpose) == []
    assert attack.fingerprint(stage) == before
    assert attack.the_next_ones(stage) == stage.fresh


@pytest.mark.parametrize("purpose", ACROSS, ids=lambda p: p.name)
def test_the_wall_holds_for_purposes_of_the_platform(fresh_stage, purpose):
    heard = _everything(fresh_stage, purpose, keep=False)
    assert _leaked(fresh_stage, heard, purpose) == []
    assert attack.the_next_ones(fresh_stage) == fresh_stage.fresh


def test_a_leak_would_be_heard(stage):
    """Each purpose hears what its own work is about: the ears of these tests work."""
    for purpose, name, statement, word in (
        ("member", "dana", "select content from chat_message", stage.owns["dana"].canary),
        ("admin", "dana", "select email from app_user", stage.world["bob"].email),
        ("auditor", "carol", "select action from audit_event", "chat.created"),
        ("auth", "alice", "select password_hash from credential", "$argon2id$"),
    ):
        assert any(word in one for one in attack.inject(stage, [statement], purpose, name)), purpose


def _everything(stage: attack.Stage, purpose: Purpose, keep: bool) -> list[str]:
    heard = []
    for statements in CASES.values():
        for prefix in attack.PREFIXES:
            heard += attack.inject(stage, [*prefix, *statements], purpose.name, purpose.person, keep)
    return heard


def _not_its_own(stage: attack.Stage, name: str) -> bool:
    """Whether nothing may change there: everything but the tenant's own tables, and of those what people wrote."""
    schema, _, table = name.partition(".")
    if name in ("onyx.due", "onyx.revocation", "onyx.directory", "onyx.isolation_status"):
        return False  # lines of its own tenant; the two schemas of others are compared whole
    return schema != stage.world.acme.schema or table in CONTENT


def _leaked(stage: attack.Stage, heard: list[str], purpose: Purpose) -> list[str]:
    world, owns = stage.world, stage.owns
    strangers = [world[name] for name in ("greta", "gus", "mallory")]
    words = [belonging.canary for belonging in owns.values()]
    words += [] if purpose.reads_hashes else ["$argon2id$"]
    words += [word for person in strangers for word in (person.email, person.name)]
    words.append(stage.canaries[-1])  # the key that signs contexts
    everything = "\n".join(heard)
    return [word for word in words if word in everything]
