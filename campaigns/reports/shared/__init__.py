"""What several reports use. Nothing here knows a page.

bills             what was spent, from the ledger's totals
delivery_counts   how many recipients are in which state, from the tallies
key_figures       figures at the top of a page
labels            labels for codes of the gateway and our own
opt_outs          opt-outs by links, of campaigns and of recipients
partial_indexes   conditions that let the database use partial indexes
periods           periods of days, read from the query string
rates             what each rate of recipients is a share of
real_campaigns    campaigns apart from test sends and rehearsals
"""
