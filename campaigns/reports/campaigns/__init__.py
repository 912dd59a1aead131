"""Many campaigns at once.

filters      what the list and the calendar are filtered by
overview     campaigns as rows of a table
dashboard    the first page
calendar     campaigns by day
comparison   campaigns side by side
best_times   hours and days at which messages were read best
"""
