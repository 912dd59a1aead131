"""Views, forms and addresses of the reports; what they show is calculated elsewhere.

overview_views         dashboard, list of campaigns, calendar, comparison, best times, balance
campaign_views         one campaign
campaign_tabs          the tabs of its page
contact_views          one phone
spend_views            Spend, ledger entries, statement, forecast
reconciliation_views   the ledger compared with the gateway
saved_report_forms     the form of a saved report
saved_report_views     saved reports
"""
