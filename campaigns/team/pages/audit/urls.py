from django.urls import path

from campaigns.team.pages.audit import search_views

urlpatterns = [
    path("settings/audit/", search_views.audit_trail, name="audit-trail"),
    path("settings/audit/export.csv", search_views.audit_export, name="audit-export"),
]
