"""Events as plain sentences: "Dana Admin ended a login session of alice@acme.example" (U3)."""

from collections.abc import Mapping
from typing import Any

from onyx.audit.actions import SENTENCES, Action

_NOBODY = "Somebody"


def sentence(action: str, actor: Mapping[str, Any], targets: list[Mapping[str, Any]], people: Mapping[str, str]) -> str:
    """The sentence of one event; `people` gives what is known of ids that came without a name."""
    try:
        form = SENTENCES[Action(action)]
    except ValueError:
        form = "{actor}: " + action  # written by a newer version of Onyx
    text = form.replace("{actor}", who(actor)).replace("{target}", whom(targets, people))
    return text if "@" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def who(actor: Mapping[str, Any]) -> str:
    """The one who acted, by name where the event has one."""
    return actor.get("name") or actor.get("display") or ("Onyx" if actor.get("type") == "job" else _NOBODY)


def whom(targets: list[Mapping[str, Any]], people: Mapping[str, str]) -> str:
    """The target that says most: a person first, then whatever has a name, then its kind."""
    for target in sorted(targets, key=lambda t: t.get("type") != "user"):
        shown = target.get("display") or people.get(target.get("id", ""))
        if shown:
            return str(shown)
    if not targets:
        return "nobody in particular"
    kind, id = str(targets[0].get("type", "")), str(targets[0].get("id", ""))
    return f"{kind} {id[:8]}".strip() or "nobody in particular"


def actions_that_say(text: str) -> list[str]:
    """The actions whose sentence holds some words, so that people can search for what they read."""
    wanted = text.lower()
    return [action.value for action in Action if wanted in SENTENCES[action].lower()]


def vocabulary() -> list[dict[str, str]]:
    """Every action with its noun and sentence, for people and for filters."""
    return [
        {
            "action": action.value,
            "noun": action.value.partition(".")[0],
            "sentence": SENTENCES[action].format(actor="…", target="…"),
        }
        for action in Action
    ]
