"""The addresses of the Contacts pages."""

from django.urls import path

from campaigns.contacts.pages import (
    contact_views,
    list_views,
    person_addresses,  # noqa: F401 - the converter
    person_views,
    public_views,
    stop_list_views,
)
from campaigns.contacts.pages.imports import import_views, schedule_views, source_views, undo_views
from campaigns.shared.table_export import FILES

urlpatterns = [
    path("contacts/", list_views.list_list, name="list-list"),
    path("contacts/<int:pk>/", list_views.list_detail, name="list-detail"),
    path("contacts/<int:pk>/menu", list_views.list_menu, name="list-menu"),
    path("contacts/<int:pk>/edit", list_views.list_edit, name="list-edit"),
    path("contacts/<int:pk>/types", list_views.list_types, name="list-types"),
    path("contacts/<int:pk>/public", public_views.list_public, name="list-public"),
    path("contacts/<int:pk>/delete", list_views.list_delete, name="list-delete"),
    path("contacts/<int:pk>/copy", list_views.list_copy, name="list-copy"),
    *(
        path(
            f"contacts/<int:pk>/export.{kind}",
            list_views.list_export,
            {"kind": kind},
            name=f"list-export-{kind}",
        )
        for kind in FILES
    ),
    path("contacts/<int:pk>/add", list_views.list_add, name="list-add"),
    path("contacts/<int:pk>/paste", list_views.list_paste, name="list-paste"),
    path("contacts/person/<int:pk>/menu", contact_views.contact_menu, name="contact-menu"),
    path("contacts/person/<int:pk>/edit", contact_views.contact_edit, name="contact-edit"),
    path("contacts/person/<int:pk>/remove", contact_views.contact_remove, name="contact-remove"),
    path("contacts/person/<int:pk>/stop", contact_views.contact_stop, name="contact-stop"),
    path("contacts/people/", contact_views.contact_search, name="person-search"),
    path("contacts/people/<person:msisdn>/edit", person_views.person_edit, name="person-edit"),
    path("contacts/people/<person:msisdn>/stop", stop_list_views.stop_phone, name="person-stop"),
    path("contacts/stop-list/", stop_list_views.stop_list_page, name="stop-list"),
    path("contacts/stop-list/<int:pk>/menu", stop_list_views.stop_menu, name="stop-menu"),
    path("contacts/stop-list/<int:pk>/lift", stop_list_views.stop_lift, name="stop-lift"),
    path("contacts/import", source_views.import_new, {"source": "file"}, name="import-new"),
    path(
        "contacts/import/address",
        source_views.import_new,
        {"source": "address"},
        name="import-address",
    ),
    path(
        "contacts/import/paste", source_views.import_new, {"source": "paste"}, name="import-paste"
    ),
    path("contacts/imports/", import_views.import_list, name="import-list"),
    path("contacts/imports/<int:pk>/", import_views.import_detail, name="import-detail"),
    path(
        "contacts/imports/<int:pk>/progress", import_views.import_progress, name="import-progress"
    ),
    path("contacts/imports/<int:pk>/layout", import_views.import_layout, name="import-layout"),
    path("contacts/imports/<int:pk>/columns", import_views.import_columns, name="import-columns"),
    path("contacts/imports/<int:pk>/back", import_views.import_back, name="import-back"),
    path("contacts/imports/<int:pk>/start", import_views.import_start, name="import-start"),
    path("contacts/imports/<int:pk>/cancel", import_views.import_cancel, name="import-cancel"),
    path("contacts/imports/<int:pk>/undo", undo_views.import_undo, name="import-undo"),
    *(
        path(
            f"contacts/imports/<int:pk>/rejected.{kind}",
            import_views.import_rejected,
            {"kind": kind},
            name=f"import-rejected-{kind}",
        )
        for kind in FILES
    ),
    path(
        "contacts/imports/<int:pk>/schedule",
        schedule_views.schedule_new,
        name="import-schedule-new",
    ),
    path("contacts/imports/schedules/", schedule_views.schedule_list, name="import-schedules"),
    *(
        path(
            f"contacts/imports/schedules/<int:pk>/{action}", view, name=f"import-schedule-{action}"
        )
        for action, view in (
            ("pause", schedule_views.schedule_pause),
            ("resume", schedule_views.schedule_resume),
            ("run", schedule_views.schedule_run),
            ("delete", schedule_views.schedule_delete),
        )
    ),
]
