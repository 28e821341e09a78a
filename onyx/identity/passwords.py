"""Passwords: Argon2id with OWASP's parameters, off the event loop, in the same time whether or not they exist."""

import secrets
from collections.abc import Collection

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from onyx.core.aside import aside
from onyx.core.errors import Invalid

from .password_policy import LEAST, MOST, weakness

# OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1; RFC 9106 names the algorithm.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
# The hash of a password that nobody has, at the same cost; hashed here anew it would cost every start 50 ms.
_nobodys = "$argon2id$v=19$m=19456,t=2,p=1$qZo+IAkj09QbZOSu3C5SQA$s1COfDm722pv0mFmLEtofGHE5O50swiyqrUzS41prnY"


def hash_password(password: str, *about: str, least: int = LEAST, banned: Collection[str] = ()) -> str:
    """The Argon2id hash (PHC string) of a new password. Raises Invalid when it breaks the policy.

    `about` are the person's e-mail and names, of which a password must not be made; see weakness().
    """
    wrong = weakness(password, *about, least=least, banned=banned)
    if wrong:
        raise Invalid("The password does not fit the policy.", fields={"password": wrong})
    return aside(lambda: _hasher.hash(password))


def new_password(least: int = 20, banned: Collection[str] = ()) -> str:
    """A password that is shown once: 120 random bits in 20 characters, more where the policy asks for more."""
    while True:
        made = secrets.token_urlsafe(max(15, least))
        if weakness(made, least=least, banned=banned) is None:
            return made


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; for None (nobody by that name) it takes as long and answers False."""

    def check() -> bool:
        try:
            return _hasher.verify(password_hash or _nobodys, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    return len(password) <= MOST and aside(check)
