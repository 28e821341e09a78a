-- Which master key wraps now (its id gives nothing away), and the installation's signing keys. What is wrapped lies
-- where no context of a request comes: signing_secret() answers to purpose `job:sign` alone, which no request has.

create table onyx.master_key (
    id bytea constraint master_key_pk primary key,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
create unique index master_key_one_current on onyx.master_key ((retired_at is null)) where retired_at is null;

create table onyx.signing_key (
    id text constraint signing_key_pk primary key,
    public bytea not null constraint signing_key_public check (length(public) = 32),
    wrapped bytea not null,
    master bytea not null constraint signing_key_master references onyx.master_key (id),
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
create unique index signing_key_one_current on onyx.signing_key ((retired_at is null)) where retired_at is null;

alter table onyx.master_key enable row level security;
alter table onyx.signing_key enable row level security;
create policy master_key_read on onyx.master_key for select using ((select onyx.ctx_tenant()) is not null);
create policy signing_key_public on onyx.signing_key for select using ((select onyx.ctx_tenant()) is not null);
grant select on onyx.master_key to onyx_app;
grant select (id, public, created_at, retired_at) on onyx.signing_key to onyx_app;

create function onyx.signing_secret() returns table (id text, wrapped bytea, master bytea)
language sql stable security definer begin atomic
    select k.id, k.wrapped, k.master from onyx.signing_key k
     where k.retired_at is null and onyx.ctx_purpose_in('job:sign');
end;
grant execute on function onyx.signing_secret() to onyx_app;
