"""The entry point of the web server: `gunicorn viberdash.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viberdash.settings")

application = get_wsgi_application()
