"""Undo of imports: new contacts are removed, updated ones get their old values back.

    kept_values   what an import overwrote: marks of later changes, and how long it is kept
    outcomes      what an undo does with each contact, as one expression for the database
    consents      setting consents back to what they were before an import
    lifecycle     whether an import can be undone, what that would do, and its start
    runner        the undo itself, slice by slice

What an import overwrites is written by importing/contact_store.py. Pages stand in pages/.
"""
