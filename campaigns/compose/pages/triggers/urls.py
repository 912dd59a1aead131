"""The addresses of triggers."""

from django.urls import path

from campaigns.compose.pages.triggers import views

urlpatterns = [
    path("campaigns/triggers/", views.trigger_list, name="trigger-list"),
    path("campaigns/<int:pk>/trigger", views.trigger_new, name="trigger-new"),
    path("campaigns/triggers/<int:pk>/", views.trigger_detail, name="trigger-detail"),
    path("campaigns/triggers/<int:pk>/on", views.trigger_on, name="trigger-on"),
    path("campaigns/triggers/<int:pk>/off", views.trigger_off, name="trigger-off"),
    path("campaigns/triggers/<int:pk>/end", views.trigger_end, name="trigger-end"),
    path("campaigns/triggers/<int:pk>/skip", views.trigger_skip, name="trigger-skip"),
]
