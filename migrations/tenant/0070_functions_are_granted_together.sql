-- Every function of a tenant's schema may be called by its role: those that answer requests were granted one by one, what
-- is left are trigger functions, which nobody can call. Granted together, since PostgreSQL finds one named function by
-- reading those of that name in all schemas: with 1,000 tenants that took longer than making the tables.
grant execute on all functions in schema tenant_@tenant@ to tenant_@tenant@;
