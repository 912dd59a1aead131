"""Send batches in five steps: claim, intent, send, interpret, record.

Requests and answers are those of campaigns.gateway; statuses after acceptance belong to results.

- running_campaigns: which campaigns may send now, and where
- leases: claim batches, record the intent before a request leaves
- rate_control: how fast, for a campaign and for the account
- rehearsals: the simulated gateway of a rehearsal
- batch_builder: the request of a batch
- sender: the loop that sends
- interpret_answer: what an answer means
- record_outcomes: write it down, in one transaction
- resolve_unknown: ask for batches whose answer was lost
"""
