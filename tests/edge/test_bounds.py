"""What one person sends stays small enough for everybody who must read it later."""

from __future__ import annotations

import pytest

from onyx.account.forms import MOST_PREFERENCES

ME = "/api/v1/users/me"


@pytest.mark.parametrize("depth", [40, 900, 930, 960])
def test_what_nests_deeply_is_refused_before_it_is_kept(client_of, depth):
    """It would be read again with less of the stack left: by the auditor, by a socket's event."""
    answer = client_of("alice").patch(
        ME, data='{"preferences":{"a":' + "[" * depth + "]" * depth + "}}", content_type="application/json"
    )
    assert answer.status_code in (400, 422), answer.text
    assert client_of("carol").get("/api/v1/audit/events").status_code == 200


def test_preferences_do_not_grow_piece_by_piece(client_of):
    """Each piece fits; all of them would be carried by every request and repeated in every event."""
    bob = client_of("bob")
    answers = [bob.patch(ME, json={"preferences": {f"k{n}": "x" * 3000}}).status_code for n in range(5)]
    assert answers == [200, 200, 422, 422, 422]
    assert len(repr(bob.get(ME).get_json()["data"]["preferences"])) <= MOST_PREFERENCES
    assert bob.patch(ME, json={"preferences": {"k0": None, "k2": "x" * 3000}}).status_code == 200
