"""An organisation moves to another installation, with its people, its trail and what is sealed inside (T12)."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from onyx.backups import making
from onyx.tenancy.sealed import seal
from tests.conftest import _password

DATABASE = "onyx_elsewhere"


@pytest.mark.slow
def test_an_organisation_moves(owner, owner_url, addresses, folder, world, full, made, operator):
    person, schema = world.bob, world.acme.schema
    hidden = seal("totp", b"JBSWY3DP", person.id.bytes, tenant=world.acme.id, owner=owner)
    before = owner.execute(f"select content from {schema}.chat_message order by 1").fetchall()
    file = folder / "acme.onyx"
    passphrase = making.export(owner_url, file, world.acme.id, operator)
    # Roles belong to the whole server: there it must be gone here first, as after a move.
    owner.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    owner.execute(sql.SQL("drop role {}").format(sql.Identifier(schema)))
    owner.execute("update onyx.tenant set status = 'archived' where id = %s", [world.acme.id])
    try:
        said = _elsewhere(addresses, {
            "sources": [(made["path"], None, None), (str(file), "wrong", None), (str(file), passphrase, None)],
            "login": {"email": person.email, "password": person.password}, "sealed": [hidden.hex(), str(person.id)],
        })  # fmt: skip
        assert [words.split(",")[0] for words in said["refused"]] == [
            "This backup was made by another installation",
            "The passphrase does not open this export.",
        ]
        [went] = said["made"]
        assert went["tenant_id"] == str(world.acme.id) and went["slug"] == world.acme.slug
        assert said["login"][0] == 200, said["login"]
        assert said["opened"] == "JBSWY3DP"
        with psycopg.connect(_other(owner_url)) as there:
            assert there.execute(f"select content from {schema}.chat_message order by 1").fetchall() == before
    finally:
        _clear(owner, owner_url, addresses, world)


def _elsewhere(addresses, more):
    told = {
        "superuser": addresses["DATABASE_SUPERUSER_URL"], "owner": _other(addresses["DATABASE_OWNER_URL"]),
        "app": _other(addresses["DATABASE_URL"]), "database": DATABASE,
        "passwords": [_password(addresses["DATABASE_OWNER_URL"]), _password(addresses["DATABASE_URL"])], **more,
    }  # fmt: skip
    words = [sys.executable, "-m", "tests.backups.elsewhere", json.dumps(told)]
    ran = subprocess.run(words, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def _other(url):
    return urlunsplit(urlsplit(url)._replace(path=f"/{DATABASE}"))


def _clear(owner, owner_url, addresses, world):
    """Nothing of the other database may stay: its roles are those of the whole server."""
    with psycopg.connect(_other(owner_url), autocommit=True) as there:
        tenants = [row[0].hex for row in there.execute("select id from onyx.tenant").fetchall()]
        for tenant in tenants:
            there.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(f"tenant_{tenant}")))
    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], autocommit=True) as superuser:
        superuser.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(DATABASE)))
    for tenant in tenants:
        owner.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(f"tenant_{tenant}")))
    owner.execute("delete from onyx.user_key where tenant_id = %s", [world.acme.id])
    owner.execute("delete from onyx.tenant_key where tenant_id = %s", [world.acme.id])
    owner.execute("delete from onyx.tenant where id = %s", [world.acme.id])
