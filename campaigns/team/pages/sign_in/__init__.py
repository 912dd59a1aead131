"""Pages for signing in: allauth's views and forms, with the site's templates and words.

views, forms: user name and password, sessions · factor_views, factor_forms: second factors ·
fresh: asking again who it is ·
passkey_forms: what a browser's passkey answers · urls.
"""
