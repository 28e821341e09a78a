"""Many requests at once wait for each other a moment, never for ever."""

from __future__ import annotations

import threading

CROWD = 60


def test_as_many_changes_as_there_are_connections_do_not_lock_each_other_out(server, sign_in):
    """Each holds a tenant's connection while it tells the control plane: from one pool, all would wait in vain."""
    token = sign_in("bob")["token"]
    serving = server()
    answers: list[int] = []

    def change(number: int) -> None:
        with serving.http(token) as client:
            answers.append(client.patch("/api/v1/users/me", json={"display_name": f"Bob {number}"}).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * CROWD
