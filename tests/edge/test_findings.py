"""What a form is told is a sentence for people, not for programmers (I1)."""

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onyx.core.findings import plain


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")
    days: int = Field(7, ge=1, le=30)
    name: str = Field("x", min_length=1, max_length=5)
    roles: list[str] = Field(["user"], min_length=1, max_length=2)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"days": 0}, "At least 1."),
        ({"days": 31}, "At most 30."),
        ({"days": "soon"}, "Give a whole number."),
        ({"name": ""}, "This is missing."),
        ({"name": "too long"}, "At most 5 characters."),
        ({"roles": []}, "Choose at least one."),
        ({"roles": ["a", "b", "c"]}, "At most 2 of them."),
        ({"else": 1}, "Onyx does not know this."),
    ],
)
def test_a_finding_is_a_sentence(sent, told):
    with pytest.raises(ValidationError) as caught:
        _Form.model_validate(sent)
    assert [plain(finding) for finding in caught.value.errors()] == [told]


def test_the_answer_says_it(client_of):
    answer = client_of("dana").post("/api/v1/invitations", json={"email": "x@acme.example", "roles": []})
    assert (answer.status_code, answer.get_json()["error"]["fields"]) == (422, {"roles": "Choose at least one."})
