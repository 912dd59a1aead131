"""Results: learn what happened to sent messages, and record it.

Here belong asking the gateway for statuses, taking in delivery reports, entering changed prices
into the ledger, measuring variants and deciding between them, comparing the ledger with the
gateway, and checking whether everything works with an account. Showing results belongs to reports.

In the order of the flow: `models`, `hourly_counts`, `campaign_status`, `variants`,
`polling`, `money`, `gateway_check`, `clear_rehearsals`, `tasks` (called by the queue),
`delivery_reports`, `pages`.
"""
