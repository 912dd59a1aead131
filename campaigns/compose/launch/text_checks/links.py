"""Problems of the links of a message: of the button's, and of all that are tracked."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from campaigns.compose.launch.problem import Problem
from campaigns.compose.message import web_addresses
from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.tracking.short_links import link_base
from campaigns.compose.message.tracking.tracked_links import LINKS_MAX, TARGET_MAX, opt_out_tags
from campaigns.compose.models import Campaign


def too_many_links(template: CompiledMessage) -> Iterator[Problem]:
    """The problem of more tracked links than codes tell apart."""
    if len(template.targets) > LINKS_MAX:
        message = _(
            "Track at most %(most)d links: this message has %(count)d. Turn tracking off, for all"
            " or for some of them."
        )
        field = template.targets[LINKS_MAX].field
        yield Problem(field, message % {"most": LINKS_MAX, "count": len(template.targets)})


def link_problems(campaign: Campaign, template: CompiledMessage) -> Iterator[Problem]:
    """Links that lead nowhere, or to a host that is not the campaign's alone."""
    for target in template.targets:
        yield from _problems_of(target.field, target.address, template)
    if campaign.button_url and not any(t.field == "button_url" for t in template.targets):
        yield from _problems_of("button_url", template.button_url, template)


def opt_out_problems(campaign: Campaign) -> Iterator[Problem]:
    """{unsubscribe} without an address that its links could have."""
    if not link_base():
        for field in dict.fromkeys(tag.field for tag in opt_out_tags(campaign)):
            message = _(
                "{unsubscribe} needs an address that phones can open. Ask an administrator to set"
                " PUBLIC_BASE_URL or LINK_BASE_URL."
            )
            yield Problem(field, message)


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
