"""Django's admin, for administrators: all rows to read, users to manage, campaigns to control.

What the domain writes is read-only here: an edit past its rules would make counts and totals wrong.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from allauth.account import admin as _registers_allauth  # noqa: F401
from allauth.account.decorators import secure_admin_login
from allauth.mfa import admin as _registers_factors  # noqa: F401
from allauth.socialaccount import admin as _registers_providers  # noqa: F401
from allauth.usersessions import admin as _registers_sessions  # noqa: F401
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth import admin as _registers_groups  # noqa: F401
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.models import (
    AuditEntry,
    AuditLink,
    AuditProgress,
    AuditSeal,
    BalanceReading,
    Batch,
    Campaign,
    Contact,
    ContactList,
    Evidence,
    GatewayAccount,
    Import,
    ImportSchedule,
    LedgerEntry,
    LedgerTotal,
    MonthlyBudget,
    OutgoingMail,
    Recipient,
    RejectedRow,
    SampledStatus,
    SavedReport,
    Sender,
    StopListEntry,
    Tally,
    User,
    UserBudget,
)
from campaigns.team.pages.access import current_user
from campaigns.team.pages.audit.admin_changes import RecordedAdmin
from campaigns.team.pages.sign_in import views as sign_in_views
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator

admin.site.site_header = _("ViberDash administration")
admin.site.site_title = _("ViberDash administration")
admin.site.index_title = _("All data")
# Signing in and out, and passwords: by the site's own pages alone
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.logout = sign_in_views.sign_out  # type: ignore[method-assign]
admin.site.password_change = sign_in_views.ChangePassword.as_view()  # type: ignore[method-assign]


AUDIT_TRAIL = (
    AuditEntry,
    AuditLink,
    AuditProgress,
    AuditSeal,
)  # under Settings, where it is searched


class ShortPaginator(Pages):
    """Pages of a huge table: counts up to `most` rows. Further ones are found by searching."""

    most = 2_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[: self.most].count() if isinstance(rows, QuerySet) else len(rows)


class ByRole(RecordedAdmin):
    """For administrators; Django's own permissions are not used."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and has_permission(
            current_user(request), Permission.OPERATE
        )

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)


class ReadOnly(ByRole):
    """Only the domain writes it."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Huge(ReadOnly):
    """Tables of millions of rows: no counting, no sorting by columns without an index."""

    paginator = ShortPaginator
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50


@admin.register(User)
class UserAdmin(ReadOnly):
    """To be looked at: administrators manage users under Settings, Team."""

    list_display = ("username", "get_full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fields = (
        "username",
        "first_name",
        "last_name",
        "email",
        "role",
        "is_active",
        "time_zone",
        "last_login",
        "date_joined",
    )


class CampaignActionForm(ActionForm):
    hours = forms.CharField(
        label=gettext_lazy("Sending hours"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "09:00-21:00", "size": 12}),
        help_text=gettext_lazy("For “Change sending hours”. Leave empty for any hour."),
    )


@admin.register(Campaign)
class CampaignAdmin(ReadOnly):
    list_display = (
        "name",
        "purpose",
        "state",
        "reason",
        "audience",
        "sender",
        "launched_at",
        "launched_by",
    )
    list_filter = ("state", "purpose")
    list_select_related = ("sender", "launched_by")
    search_fields = ("name__folded_contains", "uuid")
    date_hierarchy = "launched_at"
    actions = ("pause", "resume", "cancel", "change_hours")
    action_form = CampaignActionForm

    @admin.action(description=gettext_lazy("Pause"))
    def pause(self, request: HttpRequest, chosen: QuerySet[Campaign]) -> None:
        self._move(request, chosen, lifecycle.pause)

    @admin.action(description=gettext_lazy("Resume"))
    def resume(self, request: HttpRequest, chosen: QuerySet[Campaign]) -> None:
        self._move(request, chosen, lifecycle.resume)

    @admin.action(description=gettext_lazy("Cancel (can't be undone)"))
    def cancel(self, request: HttpRequest, chosen: QuerySet[Campaign]) -> None:
        self._move(request, chosen, lifecycle.cancel)

    @admin.action(description=gettext_lazy("Change sending hours"))
    def change_hours(self, request: HttpRequest, chosen: QuerySet[Campaign]) -> None:
        text = request.POST.get("hours", "").strip()
        try:
            hours = SendingHours.parse(text) if text else None
        except ValueError:
            self.message_user(
                request, _("Enter hours within one day, such as 09:00-21:00."), messages.ERROR
            )
            return
        self._move(request, chosen, partial(running_changes.change_hours, hours=hours))

    def _move(self, request: HttpRequest, chosen: QuerySet[Campaign], move: lifecycle.Move) -> None:
        """Apply `move` to each of `chosen`. Those that refuse it are named with the reason."""
        moved = 0
        for campaign in chosen:
            try:
                move(campaign.pk, current_user(request))
            except lifecycle.Refused as refusal:
                self.message_user(request, f"{campaign}: {refusal}", messages.WARNING)
            else:
                moved += 1
        if moved:
            message = ngettext("%d campaign changed.", "%d campaigns changed.", moved) % moved
            self.message_user(request, message, messages.SUCCESS)


@admin.register(Sender)
class SenderAdmin(ByRole):
    list_display = ("name", "created_at")
    search_fields = ("name__folded_contains",)


@admin.register(ContactList)
class ContactListAdmin(ReadOnly):
    list_display = ("name", "contact_count", "created_by", "created_at", "updated_at")
    list_select_related = ("created_by",)
    search_fields = ("name__folded_contains",)


@admin.register(Contact)
class ContactAdmin(Huge):
    list_display = ("msisdn", "country", "list", "fields")
    list_select_related = ("list",)
    raw_id_fields = ("list", "source")
    search_fields = ("msisdn__exact",)


@admin.register(Import)
class ImportAdmin(ReadOnly):
    list_display = (
        "file_name",
        "list_name",
        "state",
        "rows",
        "new",
        "rejected",
        "created_by",
        "created_at",
    )
    exclude = ("address",)  # whoever knows it may be able to read the file
    list_filter = ("state",)
    list_select_related = ("created_by",)
    search_fields = ("file_name__folded_contains", "list_name__folded_contains")


@admin.register(RejectedRow)
class RejectedRowAdmin(Huge):
    list_display = ("source", "row_number", "reason", "row")
    list_select_related = ("source",)


@admin.register(StopListEntry)
class StopListEntryAdmin(Huge):
    list_display = ("msisdn", "reason", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("msisdn__exact",)


@admin.register(Recipient)
class RecipientAdmin(Huge):
    list_display = (
        "msisdn",
        "campaign",
        "send_state",
        "error_code",
        "delivery_state",
        "charged",
        "currency",
    )
    list_select_related = ("campaign",)
    raw_id_fields = ("campaign",)
    search_fields = ("msisdn__exact", "reference__exact")


@admin.register(Batch)
class BatchAdmin(Huge):
    list_display = (
        "campaign",
        "number",
        "country",
        "size",
        "state",
        "attempts",
        "intended_at",
        "done_at",
    )
    list_select_related = ("campaign",)
    raw_id_fields = ("campaign",)


@admin.register(Tally)
class TallyAdmin(Huge):
    list_display = (
        "campaign",
        "country",
        "send_state",
        "error_code",
        "delivery_state",
        "status",
        "shard",
        "recipients",
    )
    list_select_related = ("campaign",)


@admin.register(Evidence)
class EvidenceAdmin(Huge):
    list_display = ("at", "campaign", "batch_number", "what", "http_status")
    list_select_related = ("campaign",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(Huge):
    list_display = (
        "at",
        "kind",
        "channel",
        "campaign",
        "recipient",
        "country",
        "amount",
        "currency",
        "note",
    )
    list_select_related = ("campaign", "recipient")
    raw_id_fields = ("campaign", "recipient")


@admin.register(MonthlyBudget)
class MonthlyBudgetAdmin(ReadOnly):
    list_display = ("currency", "amount")


@admin.register(UserBudget)
class UserBudgetAdmin(ReadOnly):
    list_display = ("user", "currency", "amount")
    list_select_related = ("user",)


@admin.register(GatewayAccount)
class GatewayAccountAdmin(ByRole):
    """To be renamed; safe mode records them (team/accounts.py)."""

    list_display = ("name", "environment", "base_url", "created_at")
    readonly_fields = ("environment", "base_url", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(BalanceReading)
class BalanceReadingAdmin(ReadOnly):
    list_display = ("at", "amount", "currency", "entered", "unknown", "on_way")


@admin.register(SampledStatus)
class SampledStatusAdmin(ReadOnly):
    list_display = (
        "day",
        "campaign_id",
        "agrees",
        "entered",
        "reported_amount",
        "currency",
        "status",
        "reported_status",
    )


@admin.register(SavedReport)
class SavedReportAdmin(ReadOnly):
    list_display = ("name", "owner", "rhythm", "kind", "paused")
    list_select_related = ("owner",)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(Huge):
    """Without the texts, which hold links to choose a password."""

    list_display = ("address", "subject", "state", "tries", "last_error", "created_at", "sent_at")
    exclude = ("body", "attachment")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMail]:
        return super().get_queryset(request).defer("body", "attachment")


@admin.register(LedgerTotal)
class LedgerTotalAdmin(Huge):
    list_display = (
        "day",
        "campaign",
        "channel",
        "kind",
        "country",
        "amount",
        "currency",
        "entries",
        "unknown",
        "shard",
    )
    list_select_related = ("campaign",)


class Fallback(ReadOnly):
    """Models that have no pages above. The text of a row may name any row that it refers to."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        fields = self.model._meta.concrete_fields
        related = [field.name for field in fields if isinstance(field, ForeignKey)]
        rows: QuerySet[Model] = super().get_queryset(request)
        return rows.select_related(*related) if related else rows


admin.site.unregister(Group)  # roles take the place of groups
for model in apps.get_app_config("django_q").get_models():
    # Its pages would let an administrator call any function, and open pickles of any origin.
    if admin.site.is_registered(model):
        admin.site.unregister(model)
admin.site.register(ImportSchedule, Fallback, exclude=("address",))
# With allauth's rows an administrator could sign in as somebody else.
admin.site.unregister(
    [model for model in admin.site._registry if model.__module__.startswith("allauth.")]
)
for model in apps.get_app_config("campaigns").get_models():
    if not admin.site.is_registered(model) and model not in AUDIT_TRAIL:
        admin.site.register(model, Fallback)
