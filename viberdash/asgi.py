"""The entry point for asynchronous servers, for those who prefer one."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viberdash.settings")

application = get_asgi_application()
