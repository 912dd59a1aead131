"""Send batches in five steps: claim, intent, send, interpret, record.

Requests and answers are those of campaigns.gateway; statuses after acceptance belong to results.

- running_campaigns: which campaigns may send now, and where
- leases: claim batches, record the intent before a request leaves
- rate_control: how fast, for a campaign
- account_rate: how fast, for the account, and whether the gateway is down
- rehearsals: the simulated gateway of a rehearsal
- batch_builder: the request of a batch
- sender: the loop that sends
- split_request: find the recipients because of whom a whole request is refused
- interpret_answer: what an answer means
- read_outcome: what several answers in a row mean
- record_outcomes: store it, in one transaction
- resolve_unknown: ask for batches whose answer was lost
- follow_unresolved: ask on about recipients whose outcome nobody knows
"""
