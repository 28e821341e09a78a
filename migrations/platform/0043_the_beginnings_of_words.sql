-- Text as words between blanks, a blank at both ends, all in lower case: ' ada lovelace '.
create function onyx.plain_words(text text) returns text
language sql immutable strict parallel safe
return ' ' || btrim(regexp_replace(lower(text), '[^[:alnum:]]+', ' ', 'g')) || ' ';

-- Every beginning of every word, up to 32 characters. An index over them finds what begins with `per` by one key, however
-- many words begin so; over whole words it would have to read each of those.
create function onyx.beginnings_of(text text) returns text[]
language sql immutable strict parallel safe cost 1000
return (select array_agg(left(word, n))
          from unnest(string_to_array(btrim(onyx.plain_words(text)), ' ')) word
         cross join lateral generate_series(1, least(length(word), 32)) n);

-- The words that somebody typed, each as a beginning to look for, the longest first; none that another one begins with.
create function onyx.words_typed(typed text) returns text[]
language sql immutable strict parallel safe
return (with typed_words as (
            select distinct left(word, 32) as word
              from unnest(string_to_array(btrim(onyx.plain_words(typed)), ' ')) word where word <> '')
        select coalesce(array_agg(w.word order by length(w.word) desc, w.word), '{}')
          from typed_words w
         where not exists (select from typed_words o where o.word <> w.word and starts_with(o.word, w.word)));
grant execute on function onyx.plain_words(text), onyx.beginnings_of(text), onyx.words_typed(text) to public;
