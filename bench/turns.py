"""One chat turn against a local model server: the time to the first token, alone and with 16 at once, and its CPU."""

from .load import Seen, median, percentile, request, run
from .place import Place
from .processes import Server
from .report import table

ROUNDS, ALONE, TOGETHER = 2, 15, 48
BODY = {"text": "Write a few words about foxes."}


def measure(place: Place) -> str:
    """The table of turns."""
    with place.model() as model, place.onyx(LLM_BASE_URL=model) as onyx, place.floor(LLM_BASE_URL=model) as floor:
        ours = (onyx, "onyx_app", place.token("bob", onyx))
        theirs = (floor, "floor", place.floor_token())
        alone, together = [], []
        for number in range(ROUNDS + 1):
            one = [_turns(place, *who, ALONE, 1) for who in (ours, theirs)]
            many = [_turns(place, *who, TOGETHER, 16) for who in (ours, theirs)]
            if number:
                alone.append(one)
                together.append(many)
    rows = [_first("first token, 1 connection, ms", alone, 27), _first("first token, 16 at once, ms", together, 60)]
    for name, place_of in (("server CPU per turn, ms", "server"), ("PostgreSQL CPU per turn, ms", "database")):
        mine = median([getattr(pair[0], place_of) for pair in together])
        bare = median([getattr(pair[1], place_of) for pair in together])
        ratio = median([getattr(pair[0], place_of) / getattr(pair[1], place_of) for pair in together])
        rows.append(
            [name, f"{mine:.1f}", f"{bare:.1f}", (ratio, 1.5, "×") if place_of == "server" else f"{ratio:.2f} ×"]
        )
    return table("A chat turn (21 ms to the first of 32 tokens)", ["figure", "Onyx", "floor", "limit"], rows)


def _turns(place: Place, server: Server, user: str, token: str, count: int, together: int) -> Seen:
    requests = [request("POST", "/api/v1/chat", token, BODY)]
    return run(place, server, user, requests, count, together, until="delta")


def _first(name: str, pairs: list[list[Seen]], limit: float) -> list[str | tuple[float, float, str]]:
    ours, theirs = ([time for pair in pairs for time in pair[side].latencies] for side in (0, 1))
    told = [f"{median(times):.1f} (p90 {percentile(times, 90):.1f})" for times in (ours, theirs)]
    return [name, *told, (median(ours), limit, "ms")]
