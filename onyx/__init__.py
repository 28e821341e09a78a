"""Onyx: private chat for many organisations, with a trail that can be proved.

This file imports nothing, so that `onyx.embedded` and `onyx.verify` start without the web stack.
"""
