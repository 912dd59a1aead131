"""Webhooks: other systems are told what happened, by signed requests.

- models: webhooks and their deliveries
- encryption, signing: the secret of a webhook, and what is signed with it
- kinds: the table of kinds of events; payloads: what an event says
- targets: which addresses a webhook may have, and the request to one
- deliveries: which events a request has, when it is tried again, and the end of old ones
- webhooks: what administrators do with them
- deliverer, tasks: the requests, all webhooks side by side

What happened is recorded by the stages (`shared/changes`), which know nothing of webhooks.
"""
