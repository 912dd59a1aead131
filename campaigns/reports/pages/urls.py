"""Addresses of the dashboard, campaigns, contacts by phone, and Spend."""

from django.urls import path

from campaigns.contacts.pages import person_addresses  # noqa: F401 - the converter
from campaigns.reports.pages import (
    alert_views,
    campaign_views,
    contact_views,
    monitoring_views,
    overview_views,
    reconciliation_views,
    saved_report_views,
    spend_views,
    status_views,
)
from campaigns.shared.table_export import FILES

urlpatterns = [
    path("", overview_views.dashboard, name="dashboard"),
    path("metrics", monitoring_views.metrics, name="metrics"),
    path("readyz", monitoring_views.readyz, name="readyz"),
    path("settings/alerts/", alert_views.alerts, name="alerts"),
    path("settings/alerts/test", alert_views.alert_test, name="alert-test"),
    path("settings/status/", status_views.installation_status, name="installation-status"),
    path(
        "settings/status/now",
        status_views.installation_status_now,
        name="installation-status-now",
    ),
    path("dashboard/now", overview_views.dashboard_live, name="dashboard-now"),
    path("dashboard/month", overview_views.dashboard_month, name="dashboard-month"),
    path("balance", overview_views.balance, name="balance"),
    path("campaigns/", overview_views.campaign_list, name="campaign-list"),
    path("campaigns/compare", overview_views.campaign_compare, name="campaign-compare"),
    path("campaigns/best-times", overview_views.campaign_best_times, name="best-times"),
    path("campaigns/calendar", overview_views.campaign_calendar, name="campaign-calendar"),
    path("campaigns/<int:pk>/", campaign_views.campaign_detail, name="campaign-detail"),
    path("campaigns/<int:pk>/menu", campaign_views.campaign_menu, name="campaign-menu"),
    path("campaigns/<int:pk>/progress", campaign_views.campaign_progress, name="campaign-progress"),
    path("campaigns/<int:pk>/tests", campaign_views.campaign_tests, name="campaign-tests"),
    path(
        "campaigns/<int:pk>/recipients",
        campaign_views.campaign_recipients,
        name="campaign-recipients",
    ),
    *(
        path(
            f"campaigns/<int:pk>/recipients.{kind}",
            campaign_views.campaign_recipients_export,
            {"kind": kind},
            name=f"campaign-recipients-{kind}",
        )
        for kind in FILES
    ),
    path("contacts/people/<person:msisdn>/", contact_views.contact, name="person"),
    path(
        "contacts/people/<person:msisdn>/data.json", contact_views.contact_data, name="person-data"
    ),
    path("spend/", spend_views.spend, name="spend"),
    path("spend/entries/", spend_views.spend_entries, name="spend-entries"),
    *(
        path(
            f"spend/entries.{kind}",
            spend_views.export_entries,
            {"kind": kind},
            name=f"spend-entries-{kind}",
        )
        for kind in FILES
    ),
    path("spend/reconciliation/", reconciliation_views.reconcile, name="spend-reconciliation"),
    path("spend/reports/", saved_report_views.report_list, name="saved-reports"),
    path("spend/reports/new", saved_report_views.report_new, name="saved-report-new"),
    path(
        "spend/reports/<int:pk>/delete",
        saved_report_views.report_delete,
        name="saved-report-delete",
    ),
    path(
        "spend/reports/<int:pk>/resume",
        saved_report_views.report_resume,
        name="saved-report-resume",
    ),
    path("spend/forecast/", spend_views.spend_forecast, name="spend-forecast"),
    path("spend/statement/", spend_views.spend_statement, name="spend-statement"),
    path("spend/export.csv", spend_views.export_spend, {"kind": "csv"}, name="spend-export"),
    path("spend/export.xlsx", spend_views.export_spend, {"kind": "xlsx"}, name="spend-export-xlsx"),
]
