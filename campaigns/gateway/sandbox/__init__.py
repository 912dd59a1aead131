"""The sandbox: a server that follows the gateway contract, sends nothing and charges nothing.

Here belongs what answers in place of BSG for trying out, tests and benchmarks; it imports no
Django model and needs no database. docs/sandbox.md says how to use it and how to get each error.

In the order of the flow: `server`, `calls`, `contract` (reads a request), `faults`, `account`
(accepts messages), `prices`, `parts`, `courses` (what happens to a message), `answers`,
`callbacks`, `statistics_files`, `journal`; `control` and `page` are for tests and people.
"""

from campaigns.gateway.sandbox.server import Sandbox

__all__ = ["Sandbox"]
