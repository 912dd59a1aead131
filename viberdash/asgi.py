"""The entry point for asynchronous servers, for those who prefer one."""

from django.core.asgi import get_asgi_application

from viberdash.environment import load_settings

load_settings()

application = get_asgi_application()
