"""The operations of the API, one module for each kind of data, with its schemas.

- imports: imports of contacts and their schedules
- library: what campaigns are made with
- settings: what administrators set for the brand
"""
