"""Polling: ask the gateway about messages, and write down the answers.

It sends nothing and shows nothing. In the order of the flow: `poll_schedule` (when to ask),
`due_batches` and `hints` (whom to ask about), `asker` (asks, also about unknown outcomes for
dispatch), `batch_checks` (reads the replies and plans the next check), `statuses` (reads a status),
`prices` and `recording` (write it).

Statistics files, beside single calls: `file_use` (whether they are used), `file_trial` (tries
them), `file_questions` (for whom), `status_files` (asks and reads), `file_rows` (what is believed).
"""
