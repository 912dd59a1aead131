"""Phone numbers and countries. Knows nothing of files, lists and the database.

- cell_texts: what programs write into cells besides values
- parsing: a cell to E.164 digits, or the reason why not
- prefix_rules: the same for many cells at once, faster
- guesses: numbers that are not valid as written: older forms, several in a cell
- countries: names and calling codes
- masking: phones as viewers see them
"""
