from django.urls import path

from campaigns.compose import senders, views

urlpatterns = [
    path("campaigns/new", views.campaign_new, name="campaign-new"),
    path("campaigns/<int:pk>/edit", views.campaign_edit, name="campaign-edit"),
    path("campaigns/<int:pk>/duplicate", views.campaign_duplicate, name="campaign-duplicate"),
    path("campaigns/<int:pk>/delete", views.campaign_delete, name="campaign-delete"),
    path("campaigns/<int:pk>/review", views.campaign_review, name="campaign-review"),
    path("campaigns/<int:pk>/launch", views.campaign_launch, name="campaign-launch"),
    path("campaigns/preview", views.campaign_preview, name="campaign-preview"),
    path("campaigns/figures", views.campaign_figures, name="campaign-figures"),
    path("settings/senders/", senders.senders, name="sender-list"),
    path("settings/senders/<int:pk>/delete", senders.sender_delete, name="sender-delete"),
    path("campaigns/pictures/upload", views.picture_upload, name="picture-upload"),
    path("media/<path:name>", views.media, name="media"),
]
