"""The product's addresses, stage by stage."""

from django.urls import include, path

urlpatterns = [
    path("", include("campaigns.reports.urls")),
    path("", include("campaigns.results.urls")),
    path("", include("campaigns.dispatch.urls")),
    path("", include("campaigns.compose.urls")),
    path("", include("campaigns.audience.urls")),
    path("", include("campaigns.team.urls")),
]
