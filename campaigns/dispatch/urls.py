from django.urls import path

from campaigns.dispatch import views

urlpatterns = [
    path("campaigns/<int:pk>/pause", views.pause, name="campaign-pause"),
    path("campaigns/<int:pk>/resume", views.resume, name="campaign-resume"),
    path("campaigns/<int:pk>/cancel", views.cancel, name="campaign-cancel"),
]
