-- People are looked up by one key for each word that was typed, not by all words that begin with it. 100,000 people take
-- about ten seconds, in which nobody signs in to that organisation; a thousand take a tenth of one.
create index app_user_beginnings on app_user using gin (onyx.beginnings_of(email)) with (fastupdate = off);
create index profile_beginnings on profile using gin (onyx.beginnings_of(display_name)) with (fastupdate = off);
alter index app_user_beginnings alter column 1 set statistics 0;
alter index profile_beginnings alter column 1 set statistics 0;

-- No words at all find nobody.
create or replace function people_like(typed text, most integer) returns setof uuid
language sql stable security definer begin atomic
    (select u.id from app_user u
      where onyx.beginnings_of(u.email) @> nullif(onyx.words_typed(typed), '{}')
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most)
    union
    (select p.user_id from profile p
      where onyx.beginnings_of(p.display_name) @> nullif(onyx.words_typed(typed), '{}')
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most);
end;
drop index app_user_words;
drop index profile_words;

-- Sessions from before; what began meanwhile carries its words already.
update login_session s set words = onyx.plain_words(concat(u.email, ' ', p.display_name))
  from app_user u left join profile p on p.user_id = u.id
 where u.id = s.user_id and s.state = 'active' and s.words is null;
