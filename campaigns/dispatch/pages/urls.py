from django.urls import path

from campaigns.contacts.pages import person_addresses  # noqa: F401 - the converter
from campaigns.dispatch.pages import (
    budget_views,
    campaign_actions,
    erase_views,
    follow_up_views,
    hold_views,
)

urlpatterns = [
    path("hold/", hold_views.hold, name="hold"),
    path("hold/release", hold_views.release, name="hold-release"),
    path("campaigns/<int:pk>/pause", campaign_actions.pause, name="campaign-pause"),
    path("campaigns/<int:pk>/resume", campaign_actions.resume, name="campaign-resume"),
    path("campaigns/<int:pk>/cancel", campaign_actions.cancel, name="campaign-cancel"),
    path("campaigns/<int:pk>/again", campaign_actions.resend, name="campaign-resend"),
    path("campaigns/<int:pk>/follow-up", follow_up_views.follow_up, name="campaign-follow-up"),
    path("campaigns/<int:pk>/time", campaign_actions.reschedule, name="campaign-time"),
    path("campaigns/<int:pk>/hours", campaign_actions.sending_hours, name="campaign-hours"),
    path("campaigns/<int:pk>/budget", budget_views.campaign_budget, name="campaign-budget"),
    path("contacts/people/<person:msisdn>/erase", erase_views.erase, name="person-erase"),
    path("settings/budgets/", budget_views.monthly_budgets, name="month-budgets"),
    path(
        "settings/budgets/person/<int:pk>/delete",
        budget_views.user_budget_delete,
        name="user-budget-delete",
    ),
    path(
        "settings/budgets/<int:pk>/delete",
        budget_views.month_budget_delete,
        name="month-budget-delete",
    ),
]
