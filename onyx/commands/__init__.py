"""`flask …`: what an operator does at a shell, by the same services as everywhere, recorded as kind `operator`.

    setup · tenants · users · sessions · migrate · doctor · urls
"""

from flask import Flask

from . import installation, sessions, tenants, users


def register(app: Flask) -> None:
    for command in (*installation.COMMANDS, tenants.tenants, users.users, sessions.sessions):
        app.cli.add_command(command)
