"""Polling: ask the gateway for the statuses of messages, and write down the answers.

It sends nothing and shows nothing. In the order of the flow: `poll_schedule` (when to ask),
`hints` (whom to ask for first), `poller` (asks), `statuses` (reads a status), `recording` (writes).
"""
