"""The shell, for what administrators may do there as well."""

from tests.commands.test_commands import flask  # noqa: F401
