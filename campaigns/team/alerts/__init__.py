"""What is wrong now or was, and what was told about it.

models: alerts, posts to the webhook, the result of the last backups. posts: the outbox of the
webhook. records: what the rest of the installation asks and notes. What starts and ends an alert,
and its texts, stand in reports/alerts.
"""
