"""The ledger: every charge and change as an entry, and totals that are kept with the entries.

Budgets are in dispatch; what gateways charge is decided in dispatch and results.

- models: entries, totals, readings of the balance
- totals: sums kept with their rows
- entries: write entries and totals
- sums: what a campaign has cost
- append_only: triggers that refuse changes
"""
