-- The list of live sessions stays fast at 100,000: an index for each thing by which it is narrowed, over what is live.
-- The address is compared as an address, so that a network is a range. What has ended lately is found by its time.

alter table login_session add column address inet generated always as (onyx.address_of(ip)) stored;
alter table login_session alter column address set statistics 0;
create index login_session_live_of on login_session (user_id, created_at, id) where state = 'active';
create index login_session_live_from on login_session (address, created_at, id) where state = 'active';
create index login_session_live_on on login_session (device, created_at, id) where state = 'active';
create index login_session_by_id on login_session (id);
create index login_session_ended on login_session (ended_at) where state <> 'active';

-- Who was signed in before there was a list over all tenants.
insert into onyx.live_session (tenant_id, id, user_id, created_at, expires_at, address, device)
select '@tenant@'::uuid, id, user_id, created_at, expires_at, address, left(device, 100)
  from login_session where state = 'active'
on conflict do nothing;
