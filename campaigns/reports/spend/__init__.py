"""Money over a period. What one campaign costs now is in reports/campaign.

spending          what was spent, by day, campaign, country …
chart             the same as data for the charts
spend_export      the same as a file
cost_per_result   estimated against actual cost, cost per delivered
entries           the ledger entries behind an amount
forecast          what this month will cost
statements        a month's statement
reconciliation    the ledger compared with the gateway
saved_reports     views that are mailed on a schedule
"""
