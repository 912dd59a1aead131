"""Every address of the site: the product's pages stand in `campaigns/urls.py`."""

from django.contrib import admin
from django.urls import include, path

handler500 = "viberdash.observation.error_page.server_error"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("campaigns.urls")),
]
