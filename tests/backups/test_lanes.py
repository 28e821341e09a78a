"""Archives that are being opened keep nobody's sign-in waiting (S7, T12)."""

from __future__ import annotations

import json
import subprocess
import sys

from onyx.backups import making

# As in a web process: everything patched, one hub, its thread pool. Thirty ask at once for what takes long.
_SERVING = """
from gevent import monkey
monkey.patch_all()
import json, sys
import gevent
from pathlib import Path
from onyx.backups.looking import LANE, opened
from onyx.core.aside import Full
from onyx.identity.passwords import hash_password, verify

path, passphrase = Path(sys.argv[1]), sys.argv[2]
kept = hash_password("a boat of nine planks")
done, refused = [], []

def one():
    try:
        LANE.run(lambda: opened(path, passphrase))
        done.append(1)
    except Full:
        refused.append(1)

asking = [gevent.spawn(one) for _ in range(30)]
gevent.sleep(0)
fits = verify(kept, "a boat of nine planks")
opened_before = len(done)
gevent.joinall(asking)
print(json.dumps([fits, opened_before, len(done), len(refused)]))
"""


def test_a_sign_in_does_not_wait_for_archives_that_are_opened(owner_url, app, folder, world, full, operator):
    path = folder / "acme.onyx"
    passphrase = making.export(owner_url, path, world.acme.id, operator)
    words = [sys.executable, "-c", _SERVING, str(path), passphrase]
    told = subprocess.run(words, check=True, capture_output=True, text=True, timeout=600).stdout
    fits, before, opened, refused = json.loads(told)
    assert fits and opened == 5 and refused == 25
    assert before < 5, "the password was looked at while archives were being opened"
