from django.urls import include, path

from campaigns.team.pages import mail_views, member_views, sign_in_views, views
from campaigns.team.pages.brands import views as brand_views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("healthz", views.healthz, name="healthz"),
    path("sign-in/", sign_in_views.sign_in, name="account_login"),
    path("sign-in/closed/", sign_in_views.closed, name="account_inactive"),
    path("sign-out/", sign_in_views.sign_out, name="account_logout"),
    path("password/forgotten/", sign_in_views.Forgotten.as_view(), name="account_reset_password"),
    path("password/sent/", sign_in_views.forgotten_sent, name="account_reset_password_done"),
    path(
        "password/<slug:uidb36>/<str:key>/",
        sign_in_views.choose_password,
        name="account_reset_password_from_key",
    ),
    path(
        "password/set/",
        sign_in_views.password_chosen,
        name="account_reset_password_from_key_done",
    ),
    path("session", sign_in_views.session, name="session"),
    path("signed-in/", sign_in_views.signed_in, name="signed-in"),
    path("account/", views.account, name="account"),
    path(
        "account/password/",
        sign_in_views.ChangePassword.as_view(),
        name="account_change_password",
    ),
    path("account/sessions/end", sign_in_views.sessions_end, name="sessions-end"),
    path("account/sessions/<int:pk>/end", sign_in_views.session_end, name="session-end"),
    path("settings/", views.settings_page, name="settings"),
    path("settings/confirm-restore", views.confirm_restore, name="confirm-restore"),
    path("settings/confirm-account", views.confirm_account, name="confirm-account"),
    path("settings/gateway-check", views.gateway_check, name="gateway-check"),
    path("settings/team/", member_views.member_list, name="member-list"),
    path("settings/team/<int:pk>/", member_views.member, name="member"),
    path("settings/team/<int:pk>/role", member_views.member_role, name="member-role"),
    path("settings/team/<int:pk>/close", member_views.member_close, name="member-close"),
    path("settings/team/<int:pk>/reopen", member_views.member_reopen, name="member-reopen"),
    path("settings/team/<int:pk>/sign-out", member_views.member_sign_out, name="member-sign-out"),
    path("settings/team/<int:pk>/link", member_views.member_link, name="member-link"),
    path("settings/brands/", brand_views.brand_list, name="brand-list"),
    path("settings/brands/<int:pk>/", brand_views.brand_rename, name="brand-rename"),
    path("", include("campaigns.team.pages.audit.urls")),
    path("settings/mail/", mail_views.undelivered_mail, name="undelivered-mail"),
    path("settings/mail/resend", mail_views.mail_resend_all, name="mail-resend-all"),
    path("settings/mail/<int:pk>/resend", mail_views.mail_resend, name="mail-resend"),
    path("settings/mail/<int:pk>/discard", mail_views.mail_discard, name="mail-discard"),
]
