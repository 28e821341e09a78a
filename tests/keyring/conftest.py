"""The stage of the attack on the wall, for the keys."""

from tests.tenancy.conftest import stage  # noqa: F401
