"""The steward takes typed requests from a closed list, and nothing else."""

import json

import pytest

from onyx.core.ids import uuid7
from onyx.tenancy import steward

pytestmark = pytest.mark.usefixtures("nothing_asked")


def _place(owner, operation, **arguments):
    id = uuid7()
    owner.execute(
        "insert into onyx.steward_request (id, operation, arguments) values (%s, %s, %s)",
        [id, operation, json.dumps(arguments)],
    )
    return id


def _state(owner, id):
    return owner.execute("select state, error from onyx.steward_request where id = %s", [id]).fetchone()


def test_an_unknown_operation_or_argument_fails_and_says_so(owner, owner_url, app):
    for operation, arguments in (("run_sql", {"sql": "drop schema onyx cascade"}), ("make_partitions", {"sql": "x"})):
        id = _place(owner, operation, **arguments)
        assert steward.claim_next(owner_url) == id
        assert steward.run(owner_url, id) is False
        state, error = _state(owner, id)
        assert state == "failed" and error


def test_arguments_that_make_no_sense_fail_alone(owner, owner_url, app):
    """One such request must not end the steward each time that it is taken up again."""
    for months in ("many", [], None):
        id = _place(owner, "make_partitions", months=months)
        assert steward.claim_next(owner_url) == id
        assert steward.run(owner_url, id) is False
        assert _state(owner, id)[0] == "failed"


def test_a_name_cannot_carry_sql(owner, owner_url, app):
    id = _place(owner, "create_tenant", slug="x; drop schema onyx cascade", name="x")
    steward.run(owner_url, steward.claim_next(owner_url))
    assert _state(owner, id) == ("failed", "malformed")


def test_each_request_is_claimed_once_and_the_oldest_first(owner, owner_url, app):
    ids = [_place(owner, "make_partitions") for _ in range(2)]
    assert [steward.claim_next(owner_url) for _ in range(3)] == [*ids, None]
    assert all(steward.run(owner_url, id) for id in ids)
    assert not steward.run(owner_url, ids[0]), "done is done"


def test_a_request_whose_steward_died_is_taken_up_again(owner, owner_url, app):
    id = _place(owner, "make_partitions")
    assert steward.claim_next(owner_url) == id
    assert steward.claim_next(owner_url) is None
    owner.execute("update onyx.steward_request set told_at = now() - interval '11 minutes' where id = %s", [id])
    assert steward.claim_next(owner_url) == id
    assert steward.run(owner_url, id)


def test_a_request_that_waited_long_is_not_taken_by_two_stewards(owner, owner_url, app):
    id = _place(owner, "make_partitions")
    owner.execute("update onyx.steward_request set created_at = now() - interval '1 hour' where id = %s", [id])
    assert steward.claim_next(owner_url) == id
    assert steward.claim_next(owner_url) is None
    assert steward.run(owner_url, id)


def test_what_a_tenants_rows_hold_is_in_no_error(owner, owner_url, app):
    """PostgreSQL's DETAIL and CONTEXT show the row that it could not take; platform admins read this."""
    asked = (
        "create temp table held (id integer primary key, secret text unique); insert into held values (1, 'canary'),"
        " (2, 'canary')",
        "select 'canary'::integer",
    )

    def breaks(_owner_url, *, statement):
        owner.execute(statement)

    for number, statement in enumerate(asked):
        id = _place(owner, "breaks", statement=statement)
        assert steward.claim_next(owner_url) == id
        assert not steward.run(owner_url, id, {"breaks": breaks})
        state, error = _state(owner, id)
        assert state == "failed" and "canary" not in error
        assert ("held_secret_key", "22P02")[number] in error, "it still says what was wrong"
