"""What the pages show of campaigns and money: everything is read, only saved reports are written.

shared        bills, delivery counts, periods and labels that all reports use
statuses      what pages may say of a campaign: its sentence, next step and badge
spend         what was spent, the ledger entries, forecast, statement, reconciliation, saved reports
campaigns     many campaigns: dashboard, list, calendar, comparison, best times
installation  whether everything works, for monitoring
campaign      one campaign, or one phone: progress, recipients, timeline, activity
tasks         the queue's task that mails saved reports
pages         views and forms
"""
