"""The write side of the trail: a closed vocabulary, and one function that records an event with its change."""
