"""Many campaigns at once.

filters        what the list and the calendar are filtered by
overview       campaigns as rows of a table
dashboard      the first page
daily_figures  what was sent and spent by day
month          this month against the last one
last_days      the charts of the last 30 days
calendar       campaigns by day
comparison     campaigns side by side
best_times     hours and days at which messages were read best
"""
