"""Imports of contacts.

- sources: an import made of a file, of an address, or of text
- imports: its steps, from the columns to the undo
- shown_imports: what the API says of an import
- schedules: addresses that are imported again and again
"""
