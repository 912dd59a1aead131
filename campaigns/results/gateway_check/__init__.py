"""Check the gateway: whether everything works with the account in use, and samples for support.

In the order of a check: `steps` (their names and states), `samples` (answers without phones),
`shapes` (how the account answers), `account` (key, balance, prices, sender), `picture` (whether its
address is reachable), `statistics_files`, `message` (one to one's own phone, and what became of
it), `checks` (start a check, follow it, keep the newest).
"""
