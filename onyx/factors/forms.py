"""What people send about their second factors."""

from typing import Any, Self

from pydantic import Field, model_validator

from onyx.edge.http import Body


class Code(Body):
    code: str = Field(min_length=6, max_length=10)


class NewPasskey(Body):
    challenge: str = Field(min_length=1, max_length=200)
    credential: dict[str, Any]
    name: str = Field("Passkey", min_length=1, max_length=80)


class Proof(Body):
    """One of: the password, a code, or a challenge with a passkey's answer."""

    password: str | None = Field(None, min_length=1, max_length=1024)
    code: str | None = Field(None, min_length=1, max_length=64)
    challenge: str | None = Field(None, max_length=200)
    passkey: dict[str, Any] | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if sum(given is not None for given in (self.password, self.code, self.passkey)) != 1:
            raise ValueError("give one of password, code and passkey")
        if (self.passkey is None) != (self.challenge is None):
            raise ValueError("a passkey answers a challenge: give both")
        return self


class FactorPolicy(Body):
    require_factor: bool
