from django.urls import include, path

from campaigns.team.pages import mail_views, member_views, views
from campaigns.team.pages.brands import key_views
from campaigns.team.pages.brands import views as brand_views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("healthz", views.healthz, name="healthz"),
    path("account/", views.account, name="account"),
    path("", include("campaigns.team.pages.sign_in.urls")),
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
    path(
        "settings/team/<int:pk>/factor/<slug:step>",
        member_views.member_factor,
        name="member-factor",
    ),
    path("settings/team/<int:pk>/link", member_views.member_link, name="member-link"),
    path("settings/brands/", brand_views.brand_list, name="brand-list"),
    path("settings/brands/<int:pk>/", brand_views.brand_rename, name="brand-rename"),
    path("settings/brands/<int:pk>/key", key_views.brand_key, name="brand-key"),
    path(
        "settings/brands/<int:pk>/key/remove", key_views.brand_key_remove, name="brand-key-remove"
    ),
    path("", include("campaigns.team.pages.audit.urls")),
    path("settings/mail/", mail_views.undelivered_mail, name="undelivered-mail"),
    path("settings/mail/resend", mail_views.mail_resend_all, name="mail-resend-all"),
    path("settings/mail/<int:pk>/resend", mail_views.mail_resend, name="mail-resend"),
    path("settings/mail/<int:pk>/discard", mail_views.mail_discard, name="mail-discard"),
]
