-- People of a large organisation are found by how the words of their name or e-mail begin, without reading everybody.
-- Text search is not leakproof, so that row-level security would never let it use an index: this function asks the
-- context by itself.
create index app_user_words on app_user using gin (onyx.words_of(email));
create index profile_words on profile using gin (onyx.words_of(display_name));

create function people_like(typed text, most integer) returns setof uuid
language sql stable security definer begin atomic
    (select u.id from app_user u
      where onyx.words_of(u.email) @@ onyx.words_like(typed)
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most)
    union
    (select p.user_id from profile p
      where onyx.words_of(p.display_name) @@ onyx.words_like(typed)
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most);
end;
grant execute on function people_like(text, integer) to tenant_@tenant@;

-- The same of one person, for lists that nearly everybody is on.
create function is_named(person uuid, typed text) returns boolean
language sql stable security definer begin atomic
    select onyx.ctx_allows('@tenant@', 'admin', 'platform')
           and (exists (select 1 from app_user u where u.id = person and onyx.words_of(u.email) @@ onyx.words_like(typed))
                or exists (select 1 from profile p where p.user_id = person
                              and onyx.words_of(p.display_name) @@ onyx.words_like(typed)));
end;
grant execute on function is_named(uuid, text) to tenant_@tenant@;
