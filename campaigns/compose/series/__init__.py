"""Series: a draft that is sent again by a rule, each time to its audience of that day.

1. rules: the days of a series, and when a run starts. 2. moves: what users do with series. 3. runs:
the campaigns that are made when their time comes. 4. texts: what pages and the API say of them.
"""
