-- A tenant's administrators say how long login sessions last there, and how many somebody may have. The tenant comes
-- from the signed context; null means Onyx's own default.
create function onyx.set_session_policy(idle integer, absolute integer, most integer, remember integer) returns void
language sql security definer begin atomic
    update onyx.tenant
       set settings = (settings - array['session_idle_seconds', 'session_absolute_seconds', 'session_max_concurrent',
                                        'remember_days'])
             || jsonb_strip_nulls(jsonb_build_object('session_idle_seconds', idle, 'session_absolute_seconds', absolute,
                                                     'session_max_concurrent', most, 'remember_days', remember))
     where id = onyx.ctx_tenant() and onyx.ctx_purpose_in('admin')
       and coalesce(idle, 300) >= 300 and coalesce(absolute, 900) >= 900 and coalesce(most, 1) >= 1
       and coalesce(remember, 0) between 0 and 365;
end;
grant execute on function onyx.set_session_policy(integer, integer, integer, integer) to onyx_app;
