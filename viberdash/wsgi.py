"""The entry point of the web server: `gunicorn viberdash.wsgi`."""

from django.core.wsgi import get_wsgi_application

from viberdash.environment import load_settings

load_settings()

application = get_wsgi_application()
