"""What a campaign costs: the gateway's prices, the estimated cost, and what to compare it with.

Budgets and spending belong to dispatch and the ledger; warnings about funds to launch.

1. price_list: the gateway's prices, cached for a day. 2. estimate: the estimated cost by country.
3. quote: the gateway's own figure for a sample. 4. similar_campaigns: the actual cost of earlier
campaigns.
"""
