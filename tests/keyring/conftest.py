"""The stage of the attack on the wall, and the shell, for the keys."""

from tests.commands.test_commands import flask  # noqa: F401
from tests.tenancy.conftest import stage  # noqa: F401
