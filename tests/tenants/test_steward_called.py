"""Whoever places a request calls the steward: it does not wait for its next look."""

import os
import subprocess
import sys
import time

from onyx.core.ids import uuid7

SELDOM = "import jobs.steward as steward; steward._PAUSE = 600; steward.main()"


def test_a_request_is_served_when_it_is_placed(owner, owner_url, addresses, app, var):
    environment = {**os.environ, **addresses, "ONYX_VAR": str(var)}
    environment.pop("DATABASE_SUPERUSER_URL", None)
    owner.execute("delete from onyx.steward_request")
    place = "insert into onyx.steward_request (id, operation, arguments) values (%s, 'make_partitions', '{}')"
    process = subprocess.Popen([sys.executable, "-c", SELDOM], env=environment, stdin=subprocess.DEVNULL)
    try:
        for look in ("at its start", "when it is called", "and called again"):
            id = uuid7()
            owner.execute(place, [id])
            until = time.monotonic() + 300
            while owner.execute("select state from onyx.steward_request where id = %s", [id]).fetchone() != ("done",):
                assert time.monotonic() < until, look
                time.sleep(0.05)
    finally:
        process.terminate()
        assert process.wait(60) == 0, "asked to stop, it stops while it rests"
