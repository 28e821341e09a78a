"""Who asks the steward, and how long a deletion waits, is not for SQL in a request to say."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import ProgrammingError

from onyx.backups import operations
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy import holds, requests, steward
from onyx.tenancy.walls import control_plane

_PLACE = (
    "insert into steward_request (id, operation, arguments, requested_by)"
    " values (%s, 'drill_backup', '{\"asked_by\": \"dana@acme.example\"}', %s)"
)


def test_sql_in_a_request_of_the_platform_names_nobody_else(app, world, owner):
    """Purpose `platform` is what a request has; whoever brings SQL into one acts as its person, and waits."""
    petra, acme = world.petra, world.acme
    owner.execute("update onyx.tenant set status = 'suspended' where id = %s", [acme.id])
    deletion = uuid7()
    with app.app_context():
        for by in (world.dana.id, None):
            with (
                pytest.raises(ProgrammingError),
                control_plane(Scope(petra.tenant.id, "platform", petra.id)) as connection,
            ):
                connection.exec_driver_sql(_PLACE, (uuid7(), by))
        with control_plane(Scope(petra.tenant.id, "platform", petra.id)) as connection:
            asked = (deletion, acme.id, acme.slug, "", "somebody else", 0)
            connection.exec_driver_sql("select deletion_request(%s, %s, %s, %s, %s, %s)", asked)
            said = connection.exec_driver_sql("select deletion_confirm(%s, %s, %s)", (deletion, acme.slug, "x"))
            assert said.scalar_one() is False, "it waits"
            connection.exec_driver_sql("select deletion_cancel(%s, %s)", (deletion, "somebody else"))
    row = owner.execute(
        "select requested_as, cancelled_as, confirm_from > now() + interval '6 days' from onyx.deletion where id = %s",
        [deletion],
    ).fetchone()
    assert row == (str(petra.id), str(petra.id), True)
    owner.execute("update onyx.tenant set status = 'active' where id = %s", [acme.id])


def test_a_legal_hold_of_the_platforms_stands_whatever_sql_an_administrator_brings(app, world, owner):
    """Nor is what it keeps deleted, whoever asks past the pages."""
    petra, dana = world.petra, world.dana
    visit, own = Scope(dana.tenant.id, "platform", petra.id), Scope(dana.tenant.id, "admin", dana.id)
    deletion = uuid7()

    def said(statement, *values):
        with control_plane(Scope(petra.tenant.id, requests.PURPOSE, petra.id)) as connection:
            return connection.exec_driver_sql(statement, values).scalar_one()

    def ask():
        asked = (deletion, dana.tenant.id, dana.tenant.slug, "", "Petra", 0)
        return said("select deletion_request(%s, %s, %s, %s, %s, %s)", *asked)

    with app.app_context():
        assert holds.begin(visit, "Petra", "Case 7") and not holds.begin(own, "Dana", "")
        assert not holds.end(own) and not holds.end(Scope(dana.tenant.id, "member", dana.id))
        assert holds.hold_of(own).by_platform
        owner.execute("update onyx.tenant set status = 'suspended' where id = %s", [dana.tenant.id])
        assert ask() is False
        assert holds.end(visit) and ask() is True
        assert holds.begin(own, "Dana", "") and not holds.hold_of(own).by_platform
        assert said("select deletion_confirm(%s, %s, %s)", deletion, dana.tenant.slug, "Petra") is False
        assert holds.end(own) and said("select deletion_cancel(%s, %s)", deletion, "Petra") is True
    owner.execute("update onyx.tenant set status = 'active' where id = %s", [dana.tenant.id])


def test_the_steward_acts_in_the_name_of_the_contexts_person(app, world, owner, owner_url):
    """Whatever the arguments say: SQL in a request can write those."""
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    petra, seen = world.petra, []
    with app.app_context(), control_plane(Scope(petra.tenant.id, "platform", petra.id)) as connection:
        connection.exec_driver_sql(_PLACE, (uuid7(), petra.id))

    def looks(url, *, asked_by):
        seen.append(operations.steward(url, "drill_backup", asked_by).email)
        return {}

    id = steward.claim_next(owner_url)
    assert steward.run(owner_url, id, {"drill_backup": looks}) and seen == [petra.email]
    shown = owner.execute("select arguments->>'asked_by' from onyx.steward_request where id = %s", [id]).fetchone()
    assert shown == (petra.email,)


def test_what_onyx_asks_for_is_in_the_name_of_the_contexts_person(app, world, owner):
    petra = world.petra
    with app.app_context(), tenant_scope(petra.tenant.id, "platform", petra.id):
        id = requests.place("make_partitions", {})
        with pytest.raises(ProgrammingError), requests.asking() as connection:
            connection.exec_driver_sql(_PLACE, (uuid7(), world.dana.id))
    row = owner.execute("select requested_by, state from onyx.steward_request where id = %s", [id]).fetchone()
    assert row == (petra.id, "queued")
    owner.execute("delete from onyx.steward_request where id = %s", [id])
