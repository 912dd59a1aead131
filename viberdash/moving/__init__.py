"""From SQLite to PostgreSQL with everything in it (`manage.py move`).

- guard: nobody works on a database that was moved, or that is not complete yet
- tables: what is copied, and how SQLite writes a row for COPY
- source: the SQLite file: that nothing uses it, and its mark
- target: the PostgreSQL database: that it can be used, and how far the move has come
- copying: the rows
- comparison: counts and sums on both sides
"""
