from django.contrib.auth.views import LogoutView
from django.urls import path

from campaigns.team.pages import views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("healthz", views.healthz, name="healthz"),
    path("sign-in/", views.SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("account/", views.account, name="account"),
    path("account/password/", views.ChangePassword.as_view(), name="password_change"),
    path("settings/", views.settings_page, name="settings"),
    path("settings/confirm-restore", views.confirm_restore, name="confirm-restore"),
    path("settings/confirm-account", views.confirm_account, name="confirm-account"),
    path("settings/gateway-check", views.gateway_check, name="gateway-check"),
]
