"""Check the gateway: whether everything works with the account in use, and samples for support.

In the order of a check: `steps` (their names and states), `shapes` (how the account answers),
`samples` (answers without phones), `content` (what to check, and the message), `account` (key,
balance, prices, sender), `picture` (whether its address is reachable), `statistics_files`,
`message` (what becomes of the one to one's own phone), `following` (until its end), `checks` (start
a check, make its steps, keep the newest).
"""
