"""Pages for signing in: allauth's views and forms, with the site's templates and words.

views, forms: user name and password, sessions · factor_views, factor_forms: second factors ·
passkey_forms: what a browser's passkey answers · oidc_views: an OpenID Connect provider ·
first_step: what has to be done before anything else · fresh: asking again who it is · limits · urls
"""
