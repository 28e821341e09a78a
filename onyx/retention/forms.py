"""What is sent about legal holds."""

from pydantic import Field, StrictBool

from onyx.edge.http import Body


class Held(Body):
    """Whether everything is kept; `reason` is for whoever reads the trail, so no secrets."""

    on: StrictBool
    reason: str = Field("", max_length=500)
