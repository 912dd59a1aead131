"""Middleware, navigation, forms and views of the account, the settings page and `/healthz`."""
