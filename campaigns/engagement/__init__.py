"""What recipients do with the links of their messages: clicks, conversions and opt-outs.

models: what is stored of them. visitors: people and programs, and their devices. targets: what a
code stands for. spool, inbox: clicks on their way to the database. conversions: what followed a
click, as other systems report it. opt_outs, opt_out_page: stopping all messages of a brand by a
link. preferences, preferences_page: choosing lists by a link. public_page, logos: what these pages
share. redirect: answers whoever opens a link. Reports shows what came of it.
"""
