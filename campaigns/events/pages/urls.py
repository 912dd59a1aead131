from django.urls import path

from campaigns.events.pages import views

urlpatterns = [
    path("settings/webhooks/", views.webhook_list, name="webhook-list"),
    path("settings/webhooks/<int:pk>/", views.webhook_page, name="webhook"),
    path("settings/webhooks/<int:pk>/switch", views.webhook_switch, name="webhook-switch"),
    path("settings/webhooks/<int:pk>/secret", views.webhook_secret, name="webhook-secret"),
    path("settings/webhooks/<int:pk>/rotate", views.webhook_rotate, name="webhook-rotate"),
    path("settings/webhooks/<int:pk>/test", views.webhook_test, name="webhook-test"),
    path("settings/webhooks/<int:pk>/delete", views.webhook_delete, name="webhook-delete"),
    path(
        "settings/webhooks/deliveries/<int:pk>/resend",
        views.webhook_resend,
        name="webhook-resend",
    ),
]
