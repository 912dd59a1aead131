"""The gateway: the only code that knows BSG's HTTP and JSON, by docs/gateway-contract.md.

Here belong the types of requests and answers, limits, error codes, statuses, the client and the
two stand-ins for it. What an answer means for a campaign belongs to dispatch and results.

In the order of the flow: `types`, `limits`, `errors`, `statuses`; `bsg` (the client),
`sandbox` (a server that follows the same contract), `rehearsal` (the same within the process).
"""
