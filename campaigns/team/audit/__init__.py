"""The audit trail: who did what, when and from where, written with what it records.

append_only: triggers that refuse changes · context: where an action comes from · entries: writing
and finding · commands: commands of `manage.py` · chain: hashes that show every change ·
segments: removing the oldest · syslog: a copy elsewhere · job: these three in the background.

An entry never holds a phone or a value of a contact: it cannot be erased.
"""

from campaigns.team.audit.entries import activity, delete, record, record_rarely, subject

__all__ = ["activity", "delete", "record", "record_rarely", "subject"]
