"""The ceiling of `bench_pages`: the site with one more address, a page with nothing on it.

gunicorn tests.benchmarks.empty_page:application
"""

from django.urls import include, path

from viberdash.wsgi import application  # noqa: F401 - what gunicorn asks for; sets Django up

from django.conf import settings  # isort: skip
from django.http import HttpRequest, HttpResponse  # isort: skip
from django.template import engines  # isort: skip

EMPTY = '{% extends "base.html" %}{% block title %}Empty{% endblock %}'


def empty(request: HttpRequest) -> HttpResponse:
    """The frame of every page for whoever is signed in: session, user, brand, navigation."""
    return HttpResponse(engines["django"].from_string(EMPTY).render({}, request))


urlpatterns = [path("empty", empty), path("", include("viberdash.urls"))]
settings.ROOT_URLCONF = __name__
