"""From an administrator's click to the closed socket, with two web processes."""

from .events import sockets
from .load import median, percentile
from .place import Place
from .report import table

COUNT = 200


def measure(place: Place) -> str:
    """The table of revocations."""
    with place.onyx(processes=2, application="wsgi:app") as onyx:
        dana = place.token("dana", onyx)
        person = place.person("alice")
        times = sockets(
            {"do": "revoke", "port": onyx.port, "token": dana, "person": person, "count": COUNT},
        )
    rows = [
        [
            f"{COUNT} revocations",
            f"{median(times):.0f} ms",
            (percentile(times, 99) / 1000, 1, "s"),
            f"{max(times):.0f} ms",
        ]
    ]
    return table("Revocation to closed socket, two web processes", ["figure", "p50", "p99", "worst"], rows)
