-- The words of a name or an e-mail address, for finding people by how a word begins.
create function onyx.words_of(text text) returns tsvector
language sql immutable strict parallel safe
return to_tsvector('pg_catalog.simple'::regconfig, regexp_replace(lower(text), '[^[:alnum:]]+', ' ', 'g'));

-- What somebody typed as a search: each of its words as the beginning of one; null for no words at all.
create function onyx.words_like(typed text) returns tsquery
language sql immutable strict parallel safe
return (select to_tsquery('pg_catalog.simple'::regconfig, string_agg(word || ':*', ' & '))
          from regexp_split_to_table(regexp_replace(lower(typed), '[^[:alnum:]]+', ' ', 'g'), ' ') word where word <> '');
grant execute on function onyx.words_of(text), onyx.words_like(text) to public;
