"""The users of the dashboard: who they are, what they may do, what they did, and how they are told.

models · roles · audit: the trail · time_zones · mail · sign_in/ ·
safe_mode: a restored database sends nothing · holds/: nor does a brand that is held ·
accounts: whose gateway account this is · gateway_check · pages/: access to objects, sign-in,
account, settings, navigation. Nothing of contacts or campaigns belongs here.
"""
