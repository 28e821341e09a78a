"""Nobody rises above themselves, locks themselves out, or leaves a tenant without an administrator (I2)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Conflict
from onyx.core.scope import tenant_scope
from onyx.identity.models import User
from onyx.members import service
from tests.cast import join


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_nobody_grants_what_they_lack(client_of, app, world, owner_url):
    with app.app_context():
        world.people["ada"] = join(world.platform, f"ada-{world.acme.slug}", "Ada Admin", "admin")
    ada = client_of("ada")
    sent = {"email": f"up@{world.acme.slug}.example", "roles": ["platform_admin"]}
    assert ada.post("/api/v1/users", json=sent).status_code == 403
    assert (
        ada.put(f"/api/v1/users/{world.ada.id}/roles", json={"roles": ["admin", "platform_admin"]}).status_code == 403
    )
    # A new password or e-mail for somebody above would be the same by another way.
    for path, send in (("reset-password", ada.post), ("suspend", ada.post)):
        assert send(f"/api/v1/users/{world.petra.id}/{path}").status_code == 403
    assert ada.patch(f"/api/v1/users/{world.petra.id}", json={"email": sent["email"]}).status_code == 403
    assert ada.delete(f"/api/v1/users/{world.petra.id}").status_code == 403


def test_a_tenant_cannot_hold_the_platforms_role(client_of, world):
    answer = client_of("dana").put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["platform_admin"]})
    assert answer.status_code == 422


def test_nobody_locks_themselves_out(client_of, world):
    dana = client_of("dana")
    path = f"/api/v1/users/{world.dana.id}"
    assert dana.delete(path).status_code == 409
    assert dana.post(f"{path}/suspend").status_code == 409
    assert dana.put(f"{path}/roles", json={"roles": ["user"]}).status_code == 409
    assert dana.put(f"{path}/roles", json={"roles": ["admin", "curator"]}).status_code == 200


def test_who_administers_does_not_appoint_themselves_auditor(client_of, world):
    """Reading the trail is held apart: it would not be, if one's own word were enough."""
    dana = client_of("dana")
    assert dana.put(f"/api/v1/users/{world.dana.id}/roles", json={"roles": ["admin", "auditor"]}).status_code == 403
    assert dana.get("/api/v1/audit/events").status_code == 403
    assert dana.put(f"/api/v1/users/{world.cleo.id}/roles", json={"roles": ["auditor"]}).status_code == 200


def test_of_two_administrators_who_remove_each_other_at_once_one_stays(client_of, app, world, owner):
    """Both look, both see another administrator, both remove: without the lock nobody would be left."""
    with app.app_context():
        world.people["doris"] = join(world.acme, "doris", "Doris Admin", "admin")
    for _ in range(5):
        _make_both_admins(owner, world)
        _demote_each_other({"dana": client_of("dana"), "doris": client_of("doris")}, world)
        assert _admins(owner, world) == 1


def test_what_was_read_before_the_lock_does_not_decide_who_is_the_last(client_of, session_of, app, world, owner):
    """Somebody suspended is about to be deleted, is brought back, and becomes the only administrator meanwhile."""
    with app.app_context():
        doris = world.people["doris"] = join(world.acme, "doris", "Doris Admin", "admin")
    dana = client_of("dana")
    assert dana.post(f"/api/v1/users/{doris.id}/suspend").status_code == 200
    operator = Actor(world.acme.id, world.acme.slug, world.acme.name, None, "", "operator", kind="operator")

    def meanwhile():
        assert dana.post(f"/api/v1/users/{doris.id}/reactivate").status_code == 200
        assert client_of("doris").post(f"/api/v1/users/{world.dana.id}/suspend").status_code == 200

    with pytest.raises(Conflict), session_of("dana", "admin") as session:
        person = session.get(User, doris.id)
        assert person.status == "suspended" and [held.role for held in person.roles] == ["admin"]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(meanwhile).result(120)
        service.remove(session, operator, person)
    assert client_of("doris").post(f"/api/v1/users/{world.dana.id}/reactivate").status_code == 200


def test_the_last_administrator_cannot_be_removed_by_an_operator_either(app, world):
    operator = Actor(world.acme.id, world.acme.slug, world.acme.name, None, "", "operator", kind="operator")
    for change in (service.suspend, service.remove, lambda s, a, u: service.set_roles(s, a, u, ["user"])):
        with (
            app.app_context(),
            tenant_scope(world.acme.id, "admin"),
            pytest.raises(Conflict),
            unit_of_work() as session,
        ):
            change(session, operator, session.get(User, world.dana.id))


def _demote_each_other(clients, world):
    barrier = threading.Barrier(2)

    def demote(name, other):
        barrier.wait()
        clients[name].put(f"/api/v1/users/{world[other].id}/roles", json={"roles": ["user"]})

    threads = [threading.Thread(target=demote, args=pair) for pair in (("dana", "doris"), ("doris", "dana"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _make_both_admins(owner, world):
    with owner.transaction():
        owner.execute(f"set local search_path = {world.acme.schema}, public")
        owner.execute("alter table user_role disable trigger recorded")
        owner.execute("delete from user_role where user_id = any(%s)", [[world.dana.id, world.doris.id]])
        for id in (world.dana.id, world.doris.id):
            owner.execute("insert into user_role (user_id, role) values (%s, 'admin')", [id])
        owner.execute("alter table user_role enable trigger recorded")


def _admins(owner, world):
    return owner.execute(f"select count(*) from {world.acme.schema}.user_role where role = 'admin'").fetchone()[0]
