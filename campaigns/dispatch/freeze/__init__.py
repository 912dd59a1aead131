"""Freeze an audience: its contacts become recipients in batches, which never change afterwards.

Who belongs to an audience is decided in campaigns.compose.audience.

- areas: split countries with several time zones
- division: which variant each recipient gets
- shown_fields: merge fields as messages show them
- recipients: freeze slice by slice
"""
