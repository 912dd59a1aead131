"""Phone numbers and countries. Knows nothing of files, lists and the database.

- parsing: a cell to E.164 digits, or the reason why not
- prefix_rules: the same for many cells at once, faster
- countries: names and calling codes
"""
