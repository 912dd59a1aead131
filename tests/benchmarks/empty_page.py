"""The ceilings of `bench_pages` and `bench_clicks`: the site with two more addresses, a page with
nothing on it and a response without a page.

gunicorn tests.benchmarks.empty_page:application
"""

from django.urls import include, path

from viberdash.wsgi import application  # noqa: F401 - what gunicorn asks for; sets Django up

from django.conf import settings  # isort: skip
from django.contrib.auth.decorators import login_not_required  # isort: skip
from django.http import HttpRequest, HttpResponse  # isort: skip
from django.template import engines  # isort: skip

EMPTY = '{% extends "base.html" %}{% block title %}Empty{% endblock %}'


def empty(request: HttpRequest) -> HttpResponse:
    """The frame of every page for whoever is signed in: session, user, brand, navigation."""
    return HttpResponse(engines["django"].from_string(EMPTY).render({}, request))


@login_not_required
def nothing(_request: HttpRequest) -> HttpResponse:
    """An empty view, for anybody: what Django and its middleware take for a request."""
    return HttpResponse()


urlpatterns = [path("empty", empty), path("nothing", nothing), path("", include("viberdash.urls"))]
settings.ROOT_URLCONF = __name__
