"""`flask …`: what an operator does at a shell, by the same services as everywhere, recorded as kind `operator`.

setup · tenants · users · sessions · backups · jobs · isolation · keys · nodes · retention · migrate · doctor · urls
"""

from flask import Flask

from . import (
    backups,
    deletions,  # noqa: F401 - it adds to tenants
    installation,
    isolation,
    jobs,
    keys,
    nodes,
    retention,
    sessions,
    tenant_settings,  # noqa: F401 - it adds to tenants
    tenants,
    users,
)


def register(app: Flask) -> None:
    for command in (
        *installation.COMMANDS,
        tenants.tenants,
        users.users,
        sessions.sessions,
        backups.backups,
        jobs.jobs,
        isolation.isolation,
        keys.keys,
        nodes.nodes,
        retention.retention,
    ):
        app.cli.add_command(command)
    tenants.tenants.add_command(backups.export_tenant)
    tenants.tenants.add_command(backups.restore_tenant)
