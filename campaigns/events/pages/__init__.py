"""Settings -> Webhooks."""
