"""How pages show numbers, money, times, phones, states and icons; and the block components."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.models import Campaign, Timing
from campaigns.contacts.field_types.shown_values import fields_for_reader
from campaigns.contacts.models import Contact
from campaigns.contacts.phones.masking import mask_phone, mask_phones_in
from campaigns.contacts.phones.parsing import format_phone
from campaigns.shared.figures.percentages import percent_text
from campaigns.shared.money import CENT, PLACES, TABLE_PLACES, TABLE_UNIT, in_table, on_card
from campaigns.shared.money import exact as exact_digits
from campaigns.team.models import User
from campaigns.team.pages import submissions
from campaigns.team.roles import sees_phones
from campaigns.templatetags import states

register = template.Library()


def _unknown() -> SafeString:
    return format_html('<span class="not-known">{}</span>', _("not yet known"))


def _grouped(value: Decimal | int | float, places: int | None = None) -> str:
    return formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)


@register.simple_tag
def submission_token() -> SafeString:
    """The hidden field of a form that must not be submitted twice, beside {% csrf_token %}.

    Browsers must not restore it: it names one showing of the form.
    """
    return format_html(
        '<input type="hidden" name="{}" value="{}" autocomplete="off">',
        submissions.FIELD,
        submissions.new_token(),
    )


@register.filter
def number(value: Any) -> str:
    """1234567 -> "1,234,567"; None -> "not yet known"."""
    return _unknown() if value is None or value == "" else _grouped(value)


@register.filter
def percent(part: Any, whole: Any) -> str:
    """`part` of `whole`, rounded to one decimal: 12.5%. A dash without a whole."""
    return "–" if part is None or whole is None else percent_text(part, whole)


def _amount(digits: str, currency: str, title: str = "", css: str = "money") -> SafeString:
    """`digits` and the currency; `title`: all decimals, where `digits` lacks some."""
    attribute = format_html(' title="{}"', title) if title else ""
    shown = format_html('{}&nbsp;<span class="currency">{}</span>', digits, currency)
    return format_html(
        '<span class="{}"{}>{}</span>', css, attribute, shown if currency else digits
    )


def _digits(amount: Decimal, places: int | None = None) -> str:
    """`amount` grouped, with a minus sign, and with as many decimals as it has if not `places`."""
    if places is None:
        places = min(PLACES, _decimals(amount))
    return _grouped(amount, places).replace("-", "−")


def _decimals(amount: Decimal) -> int:
    return len(exact_digits(amount).partition(".")[2])


def _all_decimals(amount: Decimal, shown: Decimal, currency: str) -> str:
    """What the title of a rounded amount says."""
    return "" if amount == shown else f"{_digits(amount)} {currency}".strip()


@register.filter
def money(amount: Any, currency: str = "") -> str:
    """Two decimals and the currency, all of them in the title; less than a cent keeps its decimals.
    None: not yet known.
    """
    if amount is None or amount == "":
        return _unknown()
    amount = Decimal(amount)
    if 0 < abs(amount) < CENT:
        return money_exact(amount, currency)
    shown = on_card(amount)
    return _amount(_digits(shown, 2), currency, _all_decimals(amount, shown, currency))


@register.filter
def money_in_table(amount: Any, currency: str = "") -> str:
    """Two to four decimals, whose points stand below each other in a table (site.css), and the
    currency; all decimals in the title. What is less is "<0.0001", as it is not zero. None: not yet
    known.
    """
    if amount is None or amount == "":
        return _unknown()
    amount = Decimal(amount)
    shown = in_table(amount)
    places = _decimals(shown)
    digits = _digits(shown, places)
    if amount and not shown:
        places = TABLE_PLACES
        least = _digits(TABLE_UNIT, places)
        digits = f"<{least}" if amount > 0 else f">−{least}"
    title = _all_decimals(amount, shown, currency)
    return _amount(digits, currency, title, f"money places-{places}")


@register.filter
def money_exact(amount: Any, currency: str = "") -> str:
    """All significant decimals and the currency, as in the ledger. None: not yet known."""
    if amount is None or amount == "":
        return _unknown()
    return _amount(_digits(Decimal(amount)), currency)


def _ago(when: datetime, now: datetime) -> str:
    """A time less than a day away, relative to `now`."""
    minutes = round(abs((now - when).total_seconds()) / 60)
    past = when <= now
    if minutes == 0:
        return _("just now") if past else _("in a moment")
    if minutes < 60:
        ago = ngettext("%d minute ago", "%d minutes ago", minutes)
        ahead = ngettext("in %d minute", "in %d minutes", minutes)
        return (ago if past else ahead) % minutes
    hours = round(minutes / 60)
    ago = ngettext("%d hour ago", "%d hours ago", hours)
    ahead = ngettext("in %d hour", "in %d hours", hours)
    return (ago if past else ahead) % hours


def _exact(local: datetime) -> str:
    return f"{formats.date_format(local, 'j M Y, H:i:s')} ({timezone.get_current_timezone_name()})"


def _time(when: datetime, text: str) -> SafeString:
    """A time as `text`, exact in the title, and to the second for machines."""
    at = when.isoformat(timespec="seconds")
    exactly = _exact(timezone.localtime(when))
    return format_html('<time datetime="{}" title="{}">{}</time>', at, exactly, text)


@register.filter
def moment(when: datetime | None) -> str:
    """A time in the reader's zone: relative under a day, else the date; exact in the title."""
    if when is None:
        return SafeString("–")
    local = timezone.localtime(when)
    now = timezone.localtime()
    near = abs((now - local).total_seconds()) < 86_400
    same_year = local.year == now.year
    text = (
        _ago(local, now)
        if near
        else formats.date_format(local, "j M, H:i" if same_year else "j M Y")
    )
    return _time(when, text)


@register.filter
def exact_time(when: datetime | None) -> str:
    """Day, time and zone, for times that matter: when a campaign is sent."""
    if when is None:
        return SafeString("–")
    local = timezone.localtime(when)
    text = f"{formats.date_format(local, 'j M Y, H:i')} {timezone.get_current_timezone_name()}"
    return _time(when, text)


@register.filter
def start(campaign: Campaign) -> str:
    """When a scheduled campaign starts: the time, or for a follow-up what it waits for."""
    if campaign.scheduled_at is None and campaign.timing == Timing.AFTER:
        return when_text(campaign)
    return exact_time(campaign.scheduled_at)


@register.filter
def phone(msisdn: str, user: Any = None) -> str:
    """E.164 digits grouped for reading; masked for viewers. "erased" for an erased contact."""
    if not msisdn[:1].isdecimal():
        return _("erased")
    if user is not None and not (isinstance(user, User) and sees_phones(user)):
        return f"+{mask_phone(msisdn)}"
    return format_phone(msisdn).replace(" ", "\u00a0")


@register.filter
def mask_phones(text: Any, user: Any) -> str:
    """`text`; for viewers without the middle of what may be a phone."""
    is_shown = isinstance(user, User) and sees_phones(user)
    return str(text) if is_shown else mask_phones_in(str(text))


@register.filter
def shown_values(contact: Contact) -> list[str]:
    """The values of a contact's merge tags, in the reader's language."""
    return list(fields_for_reader(contact.list, contact.fields).values())


@register.filter
def who(person: User | None) -> str:
    """The name of a user, or else the user name. A dash for None: a command, a deleted user."""
    return (person.get_full_name() or person.get_username()) if person else "–"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite. Decorative: its meaning is in the text beside it."""
    return _drawn(static("vendor/icons/sprite.svg"), name, extra)


@lru_cache(maxsize=1024)  # a page has hundreds of them
def _drawn(sprite: str, name: str, extra: str) -> SafeString:
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        sprite,
        name,
    )


@register.simple_tag
def state_badge(kind: str, state: str, label: str = "") -> SafeString:
    """The badge of a state of a `kind` that states.py knows; `label` replaces its word."""
    return _badge(kind, state, str(label))


@register.simple_tag
def campaign_badge(campaign: Any) -> SafeString:
    """The badge of the campaign's state, after that of a test or rehearsal."""
    return _badge("campaign", campaign.state, purpose=campaign.purpose)


@register.inclusion_tag("components/purpose_badge.html")
def campaign_mark(campaign: Any) -> dict[str, Any]:
    """The badge "Test" or "Rehearsal" beside a name; nothing for other campaigns."""
    return {"mark": states.PURPOSES.get(campaign.purpose)}


@register.simple_tag
def import_badge(imported: Any) -> SafeString:
    return _badge("import", imported.state)


@register.simple_tag
def run_badge(schedule: Any) -> SafeString:
    """The badge of the last run of a scheduled import."""
    return _badge("run", schedule.last_result)


@register.simple_tag
def recipient_badge(recipient: Any) -> SafeString:
    return _badge("recipient", states.recipient_state(recipient))


def _badge(kind: str, state: str, label: str = "", purpose: str = "") -> SafeString:
    return _drawn_badge(kind, state, label, purpose, get_language())


@lru_cache(maxsize=512)
def _drawn_badge(
    kind: str, state: str, label: str, purpose: str, _language: str | None
) -> SafeString:
    """Cached by language: a table of fifty rows shows a hundred badges of three kinds."""
    look, mark = states.look(kind, state), states.PURPOSES.get(purpose)
    return render_to_string(
        "components/badge.html", {"state": state, "look": look, "label": label, "mark": mark}
    )


def _request(context: Context) -> HttpRequest:
    """Works within {% include … only %} too, which hides the variable."""
    request: HttpRequest = getattr(context, "request", None) or context["request"]
    return request


def _query(context: Context, changes: dict[str, Any]) -> str:
    query = _request(context).GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def keep_query(context: Context, **changes: Any) -> str:
    """This page's query string with `changes`; None or "" removes a key. Starts with "?"."""
    return _query(context, changes)


@register.simple_tag(takes_context=True)
def query_with(context: Context, key: str, value: Any) -> str:
    """This page's query string with another value of one filter, at the first page."""
    return _query(context, {key: value, "page": None})


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: Context, key: str, label: str, css: str = "", base: str = ""
) -> dict[str, Any]:
    """The head of a sortable column: ?sort=key, and ?sort=-key at the second click. `base`: what
    its rates are a share of, in words.

    Keeps the rest of the query. Without ?sort, the page's variable `sort` names the order.
    """
    current = _request(context).GET.get("sort") or context.get("sort") or ""
    target = f"-{key}" if current == key else key
    order = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    return {
        "label": label,
        "css": css,
        "base": base,
        "order": order,
        "query": _query(context, {"sort": target, "page": None}),
    }


@register.inclusion_tag("components/menu.html")
def actions_menu(address: str, pk: int, name: str) -> dict[str, str]:
    """The actions of `name`, behind three dots: {% actions_menu 'list-menu' list.pk list.name %}.

    They are read from the named address each time the menu is opened.
    """
    label = _("Actions for %(name)s") % {"name": name}
    return {"url": reverse(address, args=[pk]), "label": label}


@register.simple_block_tag
def card(content: str, title: str, key: str, css: str = "", body: bool = True) -> str:
    """A card under a heading: {% card title=_("Gateway") key="gateway" %} … {% endcard %}.

    `key` names it within the page. `body=False` for a table or a list, which reaches the edges.
    """
    context = {"content": content, "title": title, "key": key, "css": css, "body": body}
    return render_to_string("components/card.html", context)


@register.simple_block_tag
def table(content: str, label: str = "", labelled_by: str = "", css: str = "") -> str:
    """A table that scrolls by itself on narrow screens: {% table label=_("Lists") %} head and body
    {% endtable %}. `labelled_by`: the id of the heading that names it, instead of `label`.
    """
    context = {"content": content, "label": label, "labelled_by": labelled_by, "css": css}
    return render_to_string("components/table.html", context)


@register.simple_block_tag
def stat(content: str, label: str, hint: str = "", url: str = "") -> str:
    """A figure in a card: {% stat label=_("Read") hint=… url=… %}12{% endstat %}."""
    context = {"content": content, "label": label, "hint": hint, "url": url}
    return render_to_string("components/stat.html", context)


@register.simple_tag(takes_context=True)
def block_text(context: Context, name: str) -> str:
    """The content of another block of the page, such as the title for the heading."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    return block.nodelist.render(context) if block else ""


@register.filter
def plain(value: Any) -> str:
    """A number for attributes: no grouping, a point before the decimals."""
    return str(value)
