"""What people send to sign in."""

from typing import Any, Self

from pydantic import Field, model_validator

from onyx.edge.http import Body


class SignIn(Body):
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=1024)
    tenant: str | None = Field(None, max_length=40)
    remember: bool = False


class PasskeySignIn(Body):
    """The answer of a passkey that knows its person."""

    passkey: dict[str, Any]
    remember: bool = False


class SecondStep(Body):
    """The challenge of the first step, with a code (six digits, or a recovery code) or a passkey's answer."""

    challenge: str = Field(min_length=1, max_length=200)
    code: str | None = Field(None, min_length=1, max_length=64)
    passkey: dict[str, Any] | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if (self.code is None) == (self.passkey is None):
            raise ValueError("give either code or passkey")
        return self
