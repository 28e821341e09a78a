"""The Merkle tree of RFC 6962 and the canonical JSON of RFC 8785, held against their own definitions and examples."""

import hashlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onyx.audit import merkle

TENANT = UUID(int=7)


def defined(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, section 2.1 writes it down."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


@pytest.mark.parametrize("size", [*range(18), 31, 32, 33, 100])
def test_the_root_is_that_of_the_definition(size):
    leaves = [merkle.leaf(str(number).encode()) for number in range(size)]
    assert merkle.root(leaves) == (size, defined(leaves))


def test_known_roots():
    """The first inputs of the test vectors that Certificate Transparency's implementations share."""
    assert merkle.root([])[1].hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    two = merkle.root([merkle.leaf(b""), merkle.leaf(b"\x00")])[1]
    assert two.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (333333333.33333329, "333333333.3333333"), (1e30, "1e+30"), (4.50, "4.5"), (2e-3, "0.002"), (1e-27, "1e-27"),
        (-0.0, "0"), (5e-324, "5e-324"), (1e21, "1e+21"), (295147905179352830000.0, "295147905179352830000"), (1e-6, "0.000001"),
        (1e-7, "1e-7"),
    ],
)  # fmt: skip
def test_numbers_are_those_of_rfc_8785(number, text):
    assert merkle.canonical(number) == text.encode()


def test_members_sort_by_utf_16():
    """The example of RFC 8785, section 3.2.3."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    wanted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(merkle.canonical(dict.fromkeys(names, 0)))) == wanted


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text().filter(lambda name: name != "tenant_id"), _values, min_size=1))
def test_the_fast_way_is_the_slow_way(event):
    """Lines of plain ASCII are written by json itself; the leaf must be the canonical one all the same."""
    for ascii in (True, False):
        line = json.dumps(event, ensure_ascii=ascii)
        slow = merkle.leaf(merkle.canonical({**json.loads(line), "tenant_id": str(TENANT)}))
        assert merkle.event_leaf(TENANT, line) == slow
