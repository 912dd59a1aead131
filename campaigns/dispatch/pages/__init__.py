"""Views, forms and addresses of dispatch. What a campaign's page shows is in campaigns.reports.

- forms: budgets and sending hours
- campaign_actions: pause, resume, cancel, sending hours, resend
- budget_views: the budget of a campaign, monthly budgets
- urls: the addresses
"""
