"""What a view says about itself in the API's document where its own code does not say it (onyx.apidocs reads it)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Described:
    """`body` is a model or the media type of an upload; `answers` maps a status to a schema of `data` or a media type."""

    body: type[BaseModel] | str | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    answers: Mapping[int, Schema | str] = field(default_factory=dict)


def documented(
    body: type[BaseModel] | str | None = None,
    query: Mapping[str, Schema] | None = None,
    answers: Mapping[int, Schema | str] | None = None,
) -> Callable[[View], View]:
    """Describe a view: JSON Schemas by name of query parameter, and by status of answer.

    A schema in `answers` is that of the `data` member; a text is a media type, such as `text/event-stream`.
    What is not given is read from the view's source: `body(Model)`, `query_int(…)`, `request.args.get(…)`.
    """

    def describe(view: View) -> View:
        view.__dict__["onyx_described"] = Described(body, query or {}, answers or {})
        return view

    return describe
