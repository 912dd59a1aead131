from django.contrib.auth.views import LogoutView
from django.urls import path

from campaigns.team.pages import mail_views, views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("healthz", views.healthz, name="healthz"),
    path("sign-in/", views.SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("session", views.session, name="session"),
    path("signed-in/", views.signed_in, name="signed-in"),
    path("account/", views.account, name="account"),
    path("account/password/", views.ChangePassword.as_view(), name="password_change"),
    path("settings/", views.settings_page, name="settings"),
    path("settings/confirm-restore", views.confirm_restore, name="confirm-restore"),
    path("settings/confirm-account", views.confirm_account, name="confirm-account"),
    path("settings/gateway-check", views.gateway_check, name="gateway-check"),
    path("settings/mail/", mail_views.undelivered_mail, name="undelivered-mail"),
    path("settings/mail/resend", mail_views.mail_resend_all, name="mail-resend-all"),
    path("settings/mail/<int:pk>/resend", mail_views.mail_resend, name="mail-resend"),
    path("settings/mail/<int:pk>/discard", mail_views.mail_discard, name="mail-discard"),
]
