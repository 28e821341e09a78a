"""What went wrong, told to the person who typed the command."""


class Trouble(Exception):
    """A failure whose text says what happened and what to do."""
