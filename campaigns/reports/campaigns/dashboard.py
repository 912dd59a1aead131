"""The dashboard: what needs attention, what is sending and scheduled, the last campaigns."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.launch.approval import awaiting_approval_by, of_author
from campaigns.compose.models import Campaign, CampaignState, SeriesRun, SeriesState
from campaigns.compose.series.texts import HELD, MISSED, PROBLEMS, skip_reason
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.lists.models import open_proposals
from campaigns.contacts.models import Import, ImportState
from campaigns.dispatch.models import SendState, Tally
from campaigns.reports.campaigns.overview import CampaignRow, load_live_rows, load_rows
from campaigns.reports.shared.opt_outs import count_by_campaign
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.results.variants.decision import waiting_for_a_choice
from campaigns.team import mail_delivery
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.templatetags.viberdash import moment, number, percent, who

SENDING_STATES = (CampaignState.SENDING, CampaignState.PREPARING)
LAST_CAMPAIGNS = 8
MAX_ITEMS = 20  # of one kind
RECENT = timedelta(days=14)  # older failures no longer need attention
# Opt-outs that are out of the ordinary: a usual rate is well below one per cent.
OPT_OUT_RATE, OPT_OUTS_MIN = 0.02, 5


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A campaign that another user launched and that waits for approval."""

    campaign: Campaign

    @property
    def text(self) -> str:
        when = moment(self.campaign.approval_asked_at)
        if not self.campaign.approval_asked_by:
            return format_html(_("Approval was requested {when}."), when=when)
        name = who(self.campaign.approval_asked_by)
        return format_html(_("{name} requested your approval {when}."), name=name, when=when)


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A campaign that the reader requested approval for, or a draft that came back from it."""

    campaign: Campaign

    @property
    def text(self) -> str:
        if self.campaign.state == CampaignState.DRAFT:
            note = self.campaign.approval_note
            return format_html("<strong>{}</strong> {}", _("Changes requested:"), note)
        when = moment(self.campaign.approval_asked_at)
        return format_html(_("You requested approval {when}. A second person decides."), when=when)


@dataclass(frozen=True, slots=True)
class UnresolvedCount:
    """How many recipients of a campaign are unresolved."""

    campaign: Campaign
    recipients: int

    @property
    def text(self) -> str:
        text = ngettext(
            "It is unknown whether the gateway accepted the message to %(number)s recipient."
            " ViberDash never sends it again by itself.",
            "It is unknown whether the gateway accepted the messages to %(number)s recipients."
            " ViberDash never sends them again by itself.",
            self.recipients,
        )
        return text % {"number": number(self.recipients)}


@dataclass(frozen=True, slots=True)
class OptOutRate:
    """A campaign of whose recipients unusually many opted out by its link."""

    campaign: Campaign
    opt_outs: int
    delivered: int

    @property
    def text(self) -> str:
        text = _("%(number)s recipients unsubscribed by its link: %(rate)s of those it reached.")
        rate = percent(self.opt_outs, self.delivered)
        return text % {"number": number(self.opt_outs), "rate": rate}


@dataclass(frozen=True, slots=True)
class SkippedRun:
    """The last run of a series, which was skipped."""

    run: SeriesRun

    @property
    def text(self) -> str:
        text = _("The run of %(day)s was skipped. %(reason)s.")
        values = {"day": date_format(self.run.day, "j M Y"), "reason": skip_reason(self.run.reason)}
        return f"{text % values} {self.run.detail}".strip()


@dataclass(frozen=True, slots=True)
class AttentionItems:
    """What needs somebody's attention."""

    approvals: list[ApprovalRequest]
    own_requests: list[OwnRequest]
    paused: list[CampaignRow]
    unresolved: list[UnresolvedCount]
    failed_imports: list[Import]
    opt_outs: list[OptOutRate]
    choices: list[Campaign]  # of a variant, for which the rest of their audience waits
    skipped_runs: list[SkippedRun]  # the last ones of series that are on
    failed_mails: int  # only for administrators, who can resend them
    stop_proposals: int  # only for those who may edit the stop list

    def __bool__(self) -> bool:
        return bool(
            self.approvals
            or self.own_requests
            or self.paused
            or self.unresolved
            or self.failed_imports
            or self.opt_outs
            or self.choices
            or self.skipped_runs
            or self.failed_mails
            or self.stop_proposals
        )

    @property
    def stop_proposals_text(self) -> str:
        text = ngettext(
            "%(number)s phone failed several times in a row. Decide whether it gets messages.",
            "%(number)s phones failed several times in a row. Decide whether they get messages.",
            self.stop_proposals,
        )
        return text % {"number": number(self.stop_proposals)}

    @property
    def failed_mails_text(self) -> str:
        text = ngettext(
            "%(number)s e-mail could not be delivered.",
            "%(number)s e-mails could not be delivered.",
            self.failed_mails,
        )
        return text % {"number": number(self.failed_mails)}


@dataclass(frozen=True, slots=True)
class DashboardCampaigns:
    """Campaigns that are sending or being prepared, scheduled ones, paused ones, and those launched
    last.
    """

    sending: list[CampaignRow]
    scheduled: list[CampaignRow]
    paused: list[CampaignRow]
    last: list[CampaignRow]


def load_campaigns() -> DashboardCampaigns:
    """Return the campaigns of the dashboard: one query for each kind, and those of their rows once
    for all together.
    """
    campaigns = real_campaigns().select_related("sender", "launched_by", "created_by", "follows")
    own = campaigns.filter(trigger=None)  # runs of triggers stand on the page of their trigger
    kinds = [
        own.filter(state__in=SENDING_STATES).order_by("-launched_at", "pk")[:MAX_ITEMS],
        own.filter(state=CampaignState.SCHEDULED).order_by("scheduled_at", "pk")[:MAX_ITEMS],
        campaigns.filter(state=CampaignState.PAUSED)[:MAX_ITEMS],
        own.filter(launched_at__isnull=False).order_by("-launched_at")[:LAST_CAMPAIGNS],
    ]
    found = [list(kind) for kind in kinds]
    every = {campaign.pk: campaign for kind in found for campaign in kind}
    rows = {row.campaign.pk: row for row in load_live_rows(every.values())}
    return DashboardCampaigns(*([rows[campaign.pk] for campaign in kind] for kind in found))


def load_attention_items(user: User, paused: list[CampaignRow]) -> AttentionItems:
    """Return what `user` may approve, what became of their own requests, the `paused` campaigns,
    unresolved recipients, failed imports, campaigns that wait for the choice of a variant, how many
    e-mails failed, and how many phones are proposed for the stop list.
    """
    since = timezone.now() - RECENT
    imports = Import.objects.filter(state=ImportState.FAILED, created_at__gte=since)
    return AttentionItems(
        [ApprovalRequest(campaign) for campaign in awaiting_approval_by(user)[:MAX_ITEMS]],
        [OwnRequest(campaign) for campaign in of_author(user)[:MAX_ITEMS]],
        paused,
        _load_unresolved(),
        list(imports.select_related("list")[:5]),
        _load_opt_outs(),
        waiting_for_a_choice(real_campaigns(), timezone.now())[:MAX_ITEMS],
        _load_skipped_runs(),
        mail_delivery.count_failed() if has_permission(user, Permission.OPERATE) else 0,
        open_proposals().count() if has_permission(user, Permission.EDIT_STOP_LIST) else 0,
    )


def _recently_launched() -> QuerySet[Campaign]:
    """The campaigns whose rows are asked. The indexes of tallies and opt-outs begin with the
    campaign, not with a state or a moment.
    """
    return real_campaigns().filter(launched_at__gte=timezone.now() - RECENT)


def _load_unresolved() -> list[UnresolvedCount]:
    """Return the unresolved recipients by campaign, of those launched recently."""
    tallies = Tally.objects.filter(campaign__in=_recently_launched()).order_by()
    tallies = tallies.filter(send_state=SendState.UNRESOLVED)
    recipients = dict(tallies.values_list("campaign").annotate(Sum("recipients")))
    campaigns = Campaign.objects.filter(pk__in=[pk for pk, count in recipients.items() if count])
    return [
        UnresolvedCount(campaign, recipients[campaign.pk]) for campaign in campaigns[:MAX_ITEMS]
    ]


def _load_skipped_runs() -> list[SkippedRun]:
    """Return the last runs of series that are on, where they were skipped by no user and not for
    want of recipients.
    """
    later = SeriesRun.objects.filter(series=OuterRef("series"), day__gt=OuterRef("day"))
    runs = SeriesRun.objects.filter(~Exists(later), reason__in=(HELD, MISSED, PROBLEMS))
    runs = runs.filter(series__state=SeriesState.ON)
    return [SkippedRun(run) for run in runs.select_related("series").order_by("pk")[:MAX_ITEMS]]


def _load_opt_outs() -> list[OptOutRate]:
    """Return the campaigns with unusually many opt-outs, of those launched recently."""
    opt_outs = count_by_campaign(_recently_launched())
    many = [pk for pk, opted_out in opt_outs.items() if opted_out >= OPT_OUTS_MIN]
    if not many:
        return []
    rates = [
        OptOutRate(row.campaign, opt_outs[row.campaign.pk], row.counts.reached)
        for row in load_rows(real_campaigns().filter(pk__in=many)[:MAX_ITEMS])
    ]
    return [rate for rate in rates if rate.opt_outs > OPT_OUT_RATE * rate.delivered]


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A step of a new installation, with the link to take it ("" for no link)."""

    title: str | Promise
    text: str | Promise
    done: bool
    url: str = ""
    url_label: str | Promise = ""
    primary: bool = False


def load_setup_steps(urls: dict[str, str], can_compose: bool) -> list[SetupStep]:
    """Return the first steps and how far they are; used only while nothing has been launched.

    `urls`: the pages "lists", "import", "compose" and "campaigns".
    """
    has_contacts, has_campaign = choosable_lists().exists(), real_campaigns().exists()
    upload = (urls["import"], _("Import contacts")) if can_compose else ("", "")
    compose = (urls["compose"], _("Compose")) if can_compose else ("", "")
    return [
        SetupStep(
            _("Import contacts"),
            _(
                "A CSV or XLSX file with a column of phone numbers. Rows that can't be used are"
                " reported one by one."
            ),
            has_contacts,
            *((urls["lists"], _("See the lists")) if has_contacts else upload),
            primary=not has_contacts,
        ),
        SetupStep(
            _("Compose a message"),
            _(
                "Text, image and button for Viber, and an SMS for recipients whom Viber does not"
                " reach."
            ),
            has_campaign,
            *(compose if has_contacts and not has_campaign else ("", "")),
            primary=True,
        ),
        SetupStep(
            _("Review and launch"),
            _("Check who gets the message and what it costs, then send it."),
            False,
            *((urls["campaigns"], _("Open the drafts")) if has_campaign else ("", "")),
            primary=has_contacts,
        ),
    ]
