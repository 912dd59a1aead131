"""The addresses of series."""

from django.urls import path

from campaigns.compose.pages.series import views

urlpatterns = [
    path("campaigns/series/", views.series_list, name="series-list"),
    path("campaigns/<int:pk>/series", views.series_new, name="series-new"),
    path("campaigns/series/<int:pk>/", views.series_detail, name="series-detail"),
    path("campaigns/series/<int:pk>/plan", views.series_plan, name="series-plan"),
    path("campaigns/series/<int:pk>/on", views.series_on, name="series-on"),
    path("campaigns/series/<int:pk>/off", views.series_off, name="series-off"),
    path("campaigns/series/<int:pk>/skip", views.series_skip, name="series-skip"),
    path("campaigns/series/<int:pk>/end", views.series_end, name="series-end"),
]
