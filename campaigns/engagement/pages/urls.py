"""The addresses of pages about sign-ups."""

from django.urls import path

from campaigns.engagement.pages import sign_up_views

urlpatterns = [
    path("contacts/<int:pk>/sign-up", sign_up_views.list_sign_up, name="list-sign-up"),
]
