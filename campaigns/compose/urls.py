from django.urls import path

from campaigns.compose import live_views, picture_views, review_views, saved_views, senders, views

urlpatterns = [
    path("campaigns/new", views.campaign_new, name="campaign-new"),
    path("campaigns/<int:pk>/edit", views.campaign_edit, name="campaign-edit"),
    path("campaigns/<int:pk>/duplicate", views.campaign_duplicate, name="campaign-duplicate"),
    path("campaigns/<int:pk>/delete", views.campaign_delete, name="campaign-delete"),
    path("campaigns/<int:pk>/review", review_views.campaign_review, name="campaign-review"),
    path("campaigns/<int:pk>/launch", review_views.campaign_launch, name="campaign-launch"),
    path("campaigns/<int:pk>/test", review_views.campaign_test, name="campaign-test"),
    path("campaigns/autosave", live_views.campaign_autosave, name="campaign-autosave-new"),
    path("campaigns/<int:pk>/autosave", live_views.campaign_autosave, name="campaign-autosave"),
    path("campaigns/<int:pk>/present", live_views.campaign_present, name="campaign-present"),
    path("campaigns/preview", live_views.campaign_preview, name="campaign-preview"),
    path("campaigns/figures", live_views.campaign_figures, name="campaign-figures"),
    path("settings/senders/", senders.senders, name="sender-list"),
    path("settings/senders/<int:pk>/delete", senders.sender_delete, name="sender-delete"),
    path("campaigns/templates/", saved_views.template_list, name="template-list"),
    path("campaigns/<int:pk>/template", saved_views.template_keep, name="template-keep"),
    path("campaigns/templates/<int:pk>/lock", saved_views.template_lock, name="template-lock"),
    path("campaigns/templates/<int:pk>/delete", saved_views.template_delete, name="template-delete"),
    path("campaigns/pictures/", picture_views.picture_list, name="picture-list"),
    path("campaigns/pictures/add", picture_views.picture_add, name="picture-add"),
    path("campaigns/pictures/<int:pk>/rename", picture_views.picture_rename, name="picture-rename"),
    path("campaigns/pictures/<int:pk>/delete", picture_views.picture_delete, name="picture-delete"),
    path("campaigns/pictures/upload", picture_views.picture_upload, name="picture-upload"),
    path("media/<path:name>", picture_views.media, name="media"),
]
