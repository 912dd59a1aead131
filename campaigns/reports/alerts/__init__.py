"""Alerts: what is wrong with the installation or its campaigns, told once, and again when over.

kinds       the table: what is watched, how bad it is, the sentence, what to do
texts       the sentences, made of an alert's data
work, money, storage   how each kind is detected from what the database and this machine know
findings    what a detection returns
each_account   what is about a gateway account is detected for each of them
trial       a test alert
changes     the state of each alert: starts, is over, and not for what lasts a moment only
telling     e-mails and posts about changes, written with them
watch       one process at a time looks at everything
open_alerts what the banner on each page shows
"""
