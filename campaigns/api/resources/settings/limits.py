"""To whom messages of the brand may go: the frequency cap, consent, proposals for the stop list."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, Strict

from campaigns.api.access import Needs, actor
from campaigns.api.resources.me import CapOut
from campaigns.api.schemas import Body, Flag
from campaigns.compose.audience import frequency_cap
from campaigns.compose.library import frequency_caps
from campaigns.compose.models import FrequencyCap
from campaigns.compose.models.frequency_cap import DAYS_MAX, MESSAGES_MAX
from campaigns.results.stop_proposals import decisions
from campaigns.shared.brands.scope import brand_of_new
from campaigns.team import brands
from campaigns.team.models import Brand
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission

router = Router(tags=["Settings"])
SEE, SET = Needs(Permission.VIEW), Needs(Permission.MANAGE_LIMITS)


class CapIn(Body):
    messages: Annotated[int, Strict(), Field(ge=1, le=MESSAGES_MAX)]
    days: Annotated[int, Strict(), Field(ge=1, le=DAYS_MAX)]


class BrandCapOut(Schema):
    frequency_cap: Annotated[CapOut | None, Field(description="null: the brand has none.")]


class NeedsConsent(Schema):
    promotional_needs_consent: Annotated[
        bool, Field(description="Promotional campaigns go only to those whose consent is given.")
    ]


class NeedsConsentIn(Body):
    promotional_needs_consent: Flag


class ProposedAfter(Schema):
    failures: Annotated[
        int,
        Field(description="In a row, after which a phone is proposed. 0: none is."),
    ]


class ProposedAfterIn(Body):
    failures: Annotated[int, Strict(), Field(ge=decisions.NEVER, le=decisions.AFTER_MAX)]


@router.get("frequency-cap", response=BrandCapOut, auth=SEE)
def get_frequency_cap(request: HttpRequest) -> Any:
    """How many promotional messages a person gets of the brand at most."""
    return _cap_shown()


@router.put("frequency-cap", response=BrandCapOut, auth=SET)
def set_frequency_cap(request: HttpRequest, body: CapIn) -> Any:
    """Set it. Campaigns that are frozen already keep their recipients."""
    frequency_caps.set_brand_cap(body.messages, body.days, actor(request))
    return _cap_shown()


@router.delete("frequency-cap", response={204: None}, auth=SET)
def remove_frequency_cap(request: HttpRequest) -> Any:
    """Let the brand have no cap, and so none of its campaigns."""
    caps = FrequencyCap.objects.all()
    cap = get_object_for(actor(request), caps, brand=brand_of_new())
    frequency_caps.remove_brand_cap(cap, actor(request))
    return Status(204, None)


@router.get("consent-setting", response=NeedsConsent, auth=SEE)
def get_consent_setting(request: HttpRequest) -> Any:
    """Whether promotional campaigns of the brand leave out who did not agree."""
    return NeedsConsent(promotional_needs_consent=_brand().promotional_needs_consent)


@router.put("consent-setting", response=NeedsConsent, auth=SET)
def set_consent_setting(request: HttpRequest, body: NeedsConsentIn) -> Any:
    """Set it. Consent is checked again before each message; campaigns that wait for approval have
    to be approved anew.
    """
    brands.set_needs_consent(actor(request), _brand(), body.promotional_needs_consent)
    return get_consent_setting(request)


@router.get("stop-list-proposals/setting", response=ProposedAfter, auth=SEE)
def get_stop_list_proposals_setting(request: HttpRequest) -> Any:
    """After how many messages in a row that did not reach it a phone is proposed."""
    return ProposedAfter(failures=_brand().stop_proposed_after)


@router.put("stop-list-proposals/setting", response=ProposedAfter, auth=SET)
def set_stop_list_proposals_setting(request: HttpRequest, body: ProposedAfterIn) -> Any:
    """Set it. Proposals with fewer failures are deleted."""
    decisions.set_proposed_after(actor(request), _brand(), body.failures)
    return get_stop_list_proposals_setting(request)


def _brand() -> Brand:
    return Brand.objects.get(pk=brand_of_new())


def _cap_shown() -> BrandCapOut:
    cap = frequency_cap.brand_cap(brand_of_new())
    shown = CapOut(messages=cap.messages, days=cap.days) if cap else None
    return BrandCapOut(frequency_cap=shown)
