"""Measures Onyx beside a bare Flask app that does the same work: `make bench`, `python -m bench NAME`."""
