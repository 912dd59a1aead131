"""Search for contacts by any part of their phone or merge tags.

Filters by country or merge tag belong to segments (compose).

- index: the trigrams of contacts, kept by the database
- queries: the search itself
"""
