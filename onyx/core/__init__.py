"""What every feature stands on: transactions, scope, ids, time, errors, pages, secrets. Knows no web and no Redis."""
