"""How users sign in, with django-allauth: what it asks this installation, and what it may not do.

backend: user name and password · passwords: which are accepted, and how they are stored ·
links: to choose a password · throttle: limits on tries · client: address and device ·
factors: second factors, who needs one · codes: used once · factor_resets: of a user who lost them ·
single_sign_on: OpenID Connect, whose account it is · oidc: what is checked · sessions: when they
end · members: who may sign in · adapter, factor_adapter: allauth's questions, the trail and the
outbox. Pages stand in `team/pages/sign_in`.
"""
