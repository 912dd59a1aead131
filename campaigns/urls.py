"""The product's addresses, stage by stage."""

from django.urls import include, path

urlpatterns = [
    path("", include("campaigns.api.urls")),
    path("", include("campaigns.events.pages.urls")),
    path("", include("campaigns.reports.pages.urls")),
    path("", include("campaigns.engagement.pages.urls")),
    path("", include("campaigns.results.pages.urls")),
    path("", include("campaigns.dispatch.pages.urls")),
    path("", include("campaigns.compose.pages.urls")),
    path("", include("campaigns.compose.pages.triggers.urls")),
    path("", include("campaigns.compose.pages.series.urls")),
    path("", include("campaigns.contacts.pages.urls")),
    path("", include("campaigns.team.pages.urls")),
]
