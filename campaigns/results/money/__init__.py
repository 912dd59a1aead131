"""Money after the send: fees and corrections, checks against the gateway, and rebuilt totals.

The prices of messages are entered by `polling.recording`. Modules: `corrections`,
`gateway_comparison`, `rebuilding`.
"""
