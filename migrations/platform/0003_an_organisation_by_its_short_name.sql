-- Before anybody is known, single sign-on has to find the organisation whose short name stands in the address.
create function onyx.find_slug(wanted text) returns uuid
language sql stable security definer begin atomic
    select t.id from onyx.tenant t where t.slug = wanted;
end;
grant execute on function onyx.find_slug(text) to onyx_app;
