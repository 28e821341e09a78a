"""Somebody who is killed while they hand over: `python -m tests.members.killed between|inside TENANT PERSON RECEIVER`."""

import os
import signal
import sys
from uuid import UUID

from onyx.access import handover
from onyx.app import create_app, load_settings
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.identity.models import User


def main(step: str, tenant: UUID, person: UUID, receiver: UUID) -> None:
    actor = Actor(tenant, "acme", "Acme", None, "", "operator", kind="operator")
    with create_app(load_settings()).app_context():
        handover.prepare(actor, person, receiver)
        if step == "inside":
            with tenant_scope(tenant, "admin"), unit_of_work() as session:
                user = session.get(User, person)
                assert user is not None
                assert handover.transfer(session, actor, user, receiver)
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], *map(UUID, sys.argv[2:]))
