from django.urls import path

from campaigns.team.pages.sign_in import factor_views, fresh, oidc_views, views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("sign-in/closed/", views.closed, name="account_inactive"),
    path("sign-out/", views.sign_out, name="account_logout"),
    path("password/forgotten/", views.Forgotten.as_view(), name="account_reset_password"),
    path("password/sent/", views.forgotten_sent, name="account_reset_password_done"),
    path(
        "password/<slug:uidb36>/<str:key>/",
        views.choose_password,
        name="account_reset_password_from_key",
    ),
    path(
        "password/set/",
        views.password_chosen,
        name="account_reset_password_from_key_done",
    ),
    path("session", views.session, name="session"),
    path("signed-in/", views.signed_in, name="signed-in"),
    path(
        "account/password/",
        views.ChangePassword.as_view(),
        name="account_change_password",
    ),
    path("account/sessions/end", views.sessions_end, name="sessions-end"),
    path("account/sessions/<int:pk>/end", views.session_end, name="session-end"),
    path("sign-in/oidc/", oidc_views.begin, name="oidc"),
    path("sign-in/oidc/callback/", oidc_views.callback, name="oidc-callback"),
    path("confirm/oidc/", oidc_views.confirm, name="oidc-confirm"),
    path("sign-in/code/", factor_views.SecondStep.as_view(), name="mfa_authenticate"),
    path("sign-in/passkey/", factor_views.sign_in_with_passkey, name="mfa_login_webauthn"),
    path("confirm/", views.ConfirmByPassword.as_view(), name="account_reauthenticate"),
    path("confirm/code/", factor_views.ConfirmByCode.as_view(), name="mfa_reauthenticate"),
    path(
        "confirm/passkey/",
        factor_views.ConfirmByPasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("confirm/go-on/<str:token>/", fresh.go_on, name="go-on"),
    path("account/factors/", factor_views.Factors.as_view(), name="mfa_index"),
    path("account/factors/app/", factor_views.AddApp.as_view(), name="mfa_activate_totp"),
    path("account/factors/app/remove", factor_views.remove_app, name="mfa_deactivate_totp"),
    path("account/factors/passkey/", factor_views.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path(
        "account/factors/passkeys/<int:pk>/",
        factor_views.RenamePasskey.as_view(),
        name="mfa_edit_webauthn",
    ),
    path(
        "account/factors/passkeys/<int:pk>/remove",
        factor_views.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path(
        "account/factors/codes/",
        factor_views.RecoveryCodes.as_view(),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/factors/codes/download",
        factor_views.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path(
        "account/factors/codes/renew",
        factor_views.renew_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
]
