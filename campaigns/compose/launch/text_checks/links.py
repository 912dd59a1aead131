"""Problems of the links of a message: of the button's, and of all that are tracked."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from campaigns.compose.launch.problem import Problem
from campaigns.compose.message import web_addresses
from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.tracking.short_links import link_base
from campaigns.compose.message.tracking.tracked_links import (
    TARGET_MAX,
    PageTag,
    all_links,
    page_tags,
    tracking_of,
)
from campaigns.compose.models import Campaign


def too_many_links(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    """The problem of more tracked links than codes tell apart."""
    most = tracking_of(campaign).links_max
    if len(template.targets) > most:
        message = _(
            "Track at most %(most)d links: this message has %(count)d. Turn tracking off, for all"
            " or for some of them."
        )
        field = template.targets[most].field
        yield Problem(field, message % {"most": most, "count": len(template.targets)})


def link_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    """Links that lead nowhere, or to a host that is not the campaign's alone."""
    for target in template.targets:
        yield from _problems_of(target.field, target.address, template)
    if campaign.button_url and not any(t.field == "button_url" for t in template.targets):
        yield from _problems_of("button_url", template.button_url, template)


def page_tag_problems(campaign: Campaign) -> Iterator[Problem]:
    """Tags of pages without an address that their links could have, or within a link."""
    links = all_links(campaign)
    for tag in page_tags(campaign):
        if not link_base():
            message = _(
                "{%(tag)s} needs an address that phones can open. Ask an administrator to set"
                " PUBLIC_BASE_URL or LINK_BASE_URL."
            )
        elif tag.is_in(links):
            message = _("Move {%(tag)s} out of the link: it becomes a link of its own.")
        else:
            continue
        yield Problem(tag.field, message % {"tag": tag.page_tag})


def confirm_tag_problems(campaign: Campaign) -> Iterator[Problem]:
    """{confirm} in a message that is not sent by sign-ups."""
    for tag in page_tags(campaign):
        if tag.page_tag == PageTag.CONFIRM:
            text = _(
                "{confirm} works only in the message of a sign-up page: send it by events, or"
                " remove the tag."
            )
            yield Problem(tag.field, text)


def _problems_of(field: str, address: CompiledText, template: CompiledMessage) -> Iterator[Problem]:
    url = address.text
    if len(url) > TARGET_MAX:
        message = _("Shorten the link: it has %(length)d characters, but only %(most)d fit.")
        yield Problem(field, message % {"length": len(url), "most": TARGET_MAX})
    if web_addresses.has_credentials(url):
        yield Problem(field, _("Remove the user name and password from the link."))
    authority = url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]
    if CompiledText(authority).tags:
        message = _("Move the merge tag behind the host name: https://example.com/{city}.")
        yield Problem(field, message)
        return
    host = web_addresses.host_of(address.fill_partially(dict.fromkeys(template.names, "x")))
    if not host or not web_addresses.punycode(host):
        yield Problem(field, _not_a_link(field, url))
    elif web_addresses.is_private(host) and not web_addresses.gateway_is_local():
        message = _("Use a public address: recipients can't open %(host)s.")
        yield Problem(field, message % {"host": host})


def _not_a_link(field: str, url: str) -> str:
    if field == "button_url":
        return _("Enter a web address such as https://example.com/offer.")
    shown = url if len(url) <= 60 else f"{url[:60]}…"
    return _("“%(link)s” is not a web address such as https://example.com/offer.") % {"link": shown}
