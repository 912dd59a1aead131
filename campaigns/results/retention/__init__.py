"""How long each kind of data is kept, and the nightly job that deletes what is older.

kinds: the table of kinds, which Settings shows. nightly: the job, and what it did. The stage that
owns the data deletes it. The ledger is never deleted from; the audit trail is not part of this.
"""
