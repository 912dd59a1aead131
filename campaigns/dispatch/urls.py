from django.urls import path

from campaigns.dispatch import budget_views, views

urlpatterns = [
    path("campaigns/<int:pk>/pause", views.pause, name="campaign-pause"),
    path("campaigns/<int:pk>/resume", views.resume, name="campaign-resume"),
    path("campaigns/<int:pk>/cancel", views.cancel, name="campaign-cancel"),
    path("campaigns/<int:pk>/again", views.send_again, name="campaign-again"),
    path("campaigns/<int:pk>/hours", views.campaign_hours, name="campaign-hours"),
    path("campaigns/<int:pk>/budget", budget_views.campaign_budget, name="campaign-budget"),
    path("settings/budgets/", budget_views.month_budgets, name="month-budgets"),
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
