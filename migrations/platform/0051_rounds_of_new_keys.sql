-- `flask keys rotate --all`: when it began, so that one that was interrupted goes on with the organisations that are left.
create table onyx.key_round (
    began_at timestamptz not null default clock_timestamp() constraint key_round_pk primary key,
    ended_at timestamptz
);
create unique index key_round_one_open on onyx.key_round ((true)) where ended_at is null;
alter table onyx.key_round enable row level security;
