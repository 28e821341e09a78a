"""What administrators send about their organisation's settings."""

from pydantic import Field

from onyx.edge.http import Body


class ModelTried(Body):
    """What is left out is taken from the settings; the stored key goes to the stored address alone."""

    model_base_url: str | None = Field(None, max_length=300)
    model_name: str | None = Field(None, max_length=120)
    model_key: str | None = Field(None, max_length=500)
