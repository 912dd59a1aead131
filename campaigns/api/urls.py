from django.urls import path

from campaigns.api.pages import docs_views, token_views
from campaigns.api.v1 import api

urlpatterns = [
    path("api/v1/docs", docs_views.docs, name="api-docs"),
    path("api/v1/openapi.json", docs_views.openapi_json, name="api-document"),
    path("api/v1/", api.urls),
    path("settings/api/", token_views.token_list, name="token-list"),
    path("settings/api/<int:pk>/revoke", token_views.token_revoke, name="token-revoke"),
]
