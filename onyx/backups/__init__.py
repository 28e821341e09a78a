"""Backups of one organisation: made while it is in use, sealed, tried, and brought back in place or beside (T12)."""

from flask import Flask


def register(app: Flask) -> None:
    """Nothing yet."""
