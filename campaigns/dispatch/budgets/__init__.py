"""Budgets of campaigns, users and months. What was charged is in campaigns.ledger.

- models: monthly budgets, user budgets, recorded warnings
- monthly: budgets of the month, set and removed
- holds: what batches under way hold, worked out from their recipients
- reservations: reserve the maximum cost of a batch before it is sent
- warnings: how much of a budget is used, and mails at 50, 80 and 100 %
"""
