"""Send a launched campaign: each recipient exactly once, within the hours, rates and budgets.

Nothing here composes messages (compose) or follows them after the gateway accepted them (results).

- models: recipients, batches, their counts, and what sending needs
- failpoints: places where tests kill the process
- evidence: unusual answers of the gateway
- compaction: return the space that recipients no longer need
- tally: counts of recipients by state
- variants: the decision which variant the rest of an audience gets
- budgets: reservations, monthly budgets, warnings
- freeze: contacts become recipients and batches
- send: claim, intent, send, interpret, record
- people: resend to failed recipients, erase a phone
- sweep: repair what was interrupted, start and finish campaigns
- tasks: what the queue calls
- workers: worker slots, and whether the queue of a machine works
- pages: views, forms and addresses
"""
