"""Clicks: what recipients do with the links of their messages.

models: what is stored of a click. visitors: people and programs, and their devices. targets: what a
code stands for. spool, inbox: clicks on their way to the database. redirect: answers whoever opens
a link. No pages: reports shows what came of it.
"""
