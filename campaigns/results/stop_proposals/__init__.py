"""Phones that messages did not reach several times in a row are proposed for the stop list.

failures: which messages count, noted in the transaction that records their status. nightly: the job
that looks at their phones. decisions: what users do with proposals. Nothing gets onto the stop list
without them.
"""
