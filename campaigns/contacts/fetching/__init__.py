"""Imports of files from addresses, once and on a schedule, and imports that go on without a user.

- models: the schedule of an address
- share_links: the address of the table behind a link to a page
- download: an address to an uploaded file, in a worker; the import then goes on like any other
- schedules: creating, pausing and deleting schedules, and when they run
- matching: whether a file still fits the first one of its schedule
- outcomes: what a run of a schedule came to, and the e-mails about it
- runs: a run of a schedule, step by step
- column_choices: the columns of a file as programs name them
- unattended: an import that goes on as whoever sent its file has said
"""
