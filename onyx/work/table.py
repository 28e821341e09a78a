"""Everything that happens by itself, on one page: what it is called, how often it happens, what it is for.

`reach` says for whom it works: "tenants" are visited one by one, each in its own scope, and a tenant's admin may ask
for their own; "installation" is work on what belongs to no tenant, for platform admins alone.
"""

from dataclasses import dataclass

MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table; `every` is in seconds, `queue` is the process that does it."""

    name: str
    every: int
    queue: str
    reach: str
    title: str
    what: str


TABLE = (
    Entry(
        "access_log.archive", HOUR, "steward", "installation", "Archive access logs",
        "Writes whole months beyond an organisation's retention into a signed file, then drops them.",
    ),
    Entry(
        "access_log.drain", MINUTE, "default", "installation", "Save the access log",
        "Moves what processes wrote down before they ended into each organisation's access log.",
    ),
    Entry(
        "backups.drill", HOUR, "steward", "installation", "Try backups",
        "Restores the newest backup of each organisation once a week where nobody sees it, and lets it go again.",
    ),
    Entry(
        "backups.make", HOUR, "steward", "installation", "Make backups",
        "Makes sealed backups of organisations whose last one is older than a day (BACKUP_HOURS), some each hour.",
    ),
    Entry(
        "chats.expire", MINUTE, "default", "tenants", "Apply the retention of chats",
        "Sets chats aside that are older than the organisation keeps them, and deletes them a week later; hourly.",
    ),
    Entry(
        "erasures.finish", MINUTE, "default", "tenants", "End erasures",
        "Destroys the key of people whose rows are gone, where the process that erased them died before.",
    ),
    Entry(
        "isolation.check", MINUTE, "default", "tenants", "Check isolation",
        "Tries to reach one organisation from another, compares grants with the migrations, and signs a report; daily.",
    ),
    Entry(
        "keys.expire", MINUTE, "default", "tenants", "End API keys that ran out",
        "Ends API keys whose time is over, with the connections that were opened with them.",
    ),
    Entry(
        "keys.seal", HOUR, "default", "tenants", "Seal what is stored",
        "Seals files and secrets that an older version stored otherwise with the keys of today.",
    ),
    Entry(
        "mail.send", MINUTE, "default", "tenants", "Send mail",
        "Writes and sends mail that waits, and tries again what the mail server could not take.",
    ),
    Entry(
        "parcels.sweep", QUARTER, "steward", "installation", "Remove exports",
        "Removes exported and uploaded archives whose time is over (PARCEL_HOURS).",
    ),
    Entry(
        "partitions.ahead", DAY, "steward", "installation", "Prepare log storage",
        "Makes the log partitions of this month and the next ones for every organisation.",
    ),
    Entry(
        "replies.recover", MINUTE, "default", "tenants", "Finish interrupted answers",
        "Answers anew, or marks as failed, what a process that died left unfinished.",
    ),
    Entry(
        "revocations.prune", HOUR, "default", "installation", "Forget old notices",
        "Removes notices about ended sessions that every process has obeyed long ago.",
    ),
    Entry(
        "revocations.retry", 15, "default", "installation", "Ask again who has obeyed",
        "Tells every process once more of an ended session, until each living one has confirmed that it obeyed.",
    ),
    Entry(
        "roles.expire", MINUTE, "default", "tenants", "End roles given for a time",
        "Takes roles away whose time is over; they count for nothing from that moment on anyway.",
    ),
    Entry(
        "sessions.expire", MINUTE, "default", "tenants", "End old login sessions",
        "Ends login sessions that were idle too long or reached their time limit.",
    ),
    Entry(
        "tenants.measure", QUARTER, "steward", "installation", "Measure organisations",
        "Counts how large and how busy each organisation is, for the platform's pages; reads no content.",
    ),
    Entry(
        "usage.forget", DAY, "steward", "installation", "Forget old usage",
        "Removes how many messages and calls people made each day, after 400 days.",
    ),
)  # fmt: skip
BY_NAME = {entry.name: entry for entry in TABLE}
