"""Who people are: their rows, their passwords, their login sessions and tokens."""
