"""Tenants: their schemas and roles, the signed context, and the statement that tells PostgreSQL who asks."""
