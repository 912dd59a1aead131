"""What a file means before it is imported: its layout, and the texts in its cells.

- layout_detection: encoding, delimiter, quotes, and the row where the table begins
- cell_values: a cell as the value that its author saw
- workbook_parts: what a workbook says about rows and columns besides their cells

Knows nothing of imports and the database.
"""
