"""Freeze an audience: its contacts become recipients in batches, which never change afterwards.

Who belongs to an audience is decided in campaigns.compose.audience.

- areas: split countries with several time zones
- recipients: freeze slice by slice
"""
