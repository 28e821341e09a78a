"""What platform admins send about migrations."""

from uuid import UUID

from onyx.edge.http import Body


class MigrationRun(Body):
    """All organisations that are behind, or one of them."""

    tenant_id: UUID | None = None
