"""`flask keys rotate --all`, interrupted, goes on with the organisations that are left (G4)."""

from __future__ import annotations

import json
import os

import pytest

from onyx.commands import keys
from onyx.tenancy import migrate
from onyx.tenancy.listing import Tenant


@pytest.fixture
def three(owner_url, owner, monkeypatch):
    """An installation of three organisations; what other tests left behind is out of sight."""
    made = []
    for _ in range(3):
        slug = f"round-{os.urandom(4).hex()}"
        made.append(Tenant(migrate.provision(owner_url, slug, "Round"), slug, "Round", "active", {}, None, None))
    monkeypatch.setattr(keys, "every_tenant", lambda _scope: iter(made))
    yield [place.slug for place in made]
    owner.execute("update onyx.key_round set ended_at = clock_timestamp() where ended_at is null")


@pytest.fixture
def interrupted_at(monkeypatch):
    """Ctrl-C while an organisation's files are sealed anew, once."""
    sealing = keys.reseal

    def at(slug):
        def fatal(actor, *more):
            if actor.tenant_slug == slug:
                monkeypatch.setattr(keys, "reseal", sealing)
                raise KeyboardInterrupt
            return sealing(actor, *more)

        monkeypatch.setattr(keys, "reseal", fatal)

    return at


def _rotated(flask, *words):
    said = flask("keys", "rotate", "--all", "--json", *words)
    assert said.exit_code == 0, said.output
    return [line["slug"] for line in json.loads(said.stdout)]


def _versions(owner, slugs):
    asked = "select k.version from onyx.tenant_key k join onyx.tenant t on t.id = k.tenant_id where k.retired_at is null and t.slug = %s"
    return [owner.execute(asked, [slug]).fetchone()[0] for slug in slugs]


def test_one_that_was_interrupted_goes_on_with_what_is_left(flask, three, owner, interrupted_at):
    interrupted_at(three[1])
    assert flask("keys", "rotate", "--all", "--json").exit_code == 1
    told = flask("keys", "rotate", "--all")
    assert "1 of 3 are done" in told.output and three[0] not in told.stdout
    assert _versions(owner, three) == [2, 2, 2], "none twice"
    assert _rotated(flask) == three, "the next one is a new round"
    assert _versions(owner, three) == [3, 3, 3]


def test_a_new_round_can_be_asked_for_and_one_alone_counts(flask, three, owner, interrupted_at):
    interrupted_at(three[1])
    assert flask("keys", "rotate", "--all", "--json").exit_code == 1
    assert flask("keys", "rotate", "--tenant", three[2]).exit_code == 0
    said = flask("keys", "rotate", "--all", "--json")
    assert [line["slug"] for line in json.loads(said.stdout)] == [three[1]]
    assert "2 of 3 are done" in said.stderr, "a script is told too that most get no new key now"
    interrupted_at(three[0])
    assert flask("keys", "rotate", "--all", "--json").exit_code == 1
    assert _rotated(flask, "--anew") == three
    assert flask("keys", "rotate", "--tenant", three[0], "--anew").exit_code == 2
