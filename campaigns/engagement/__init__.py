"""Clicks: what recipients do with the links of their messages.

models: what is stored of a click. No pages: reports shows what came of it.
"""
