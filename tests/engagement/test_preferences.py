"""Choosing lists by the link that {preferences} stands for."""

import pytest

from campaigns.compose.launch.checks import message_problems, problems
from campaigns.compose.launch.warnings import warnings
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.tracked_links import PageTag, tracking_of
from campaigns.contacts.lists import contact_lists, public_lists
from campaigns.contacts.lists.public_lists import Told
from campaigns.contacts.models import Contact, ContactList, StopListEntry
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people.erase_contact import erase
from campaigns.engagement.models import OptOut
from campaigns.models import AuditEntry
from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand
from tests.compose.factories import draft
from tests.engagement.visits import HOST, SHOP, Answer, code, open_path, sent

pytestmark = pytest.mark.django_db
TEXT = "Sale {preferences}"


def first() -> Recipient:
    return Recipient.objects.order_by("pk")[0]


def visit(form: str = "", method: str = "") -> Answer:
    path = f"/{code(first(), PageTag.PREFERENCES.number)}"
    return open_path(path, method=method or ("POST" if form else "GET"), form=form)


def offered(name: str, told: str = "") -> ContactList:
    contacts = ContactList.objects.filter(name=name).first() or contact_lists.create(name, None)
    public_lists.offer(contacts, Told(told or f"Our {name}", "Once a week"), None)
    return ContactList.objects.get(pk=contacts.pk)


def members(contacts: ContactList) -> tuple[int, int]:
    """How many contacts there are, and how many are counted."""
    row = ContactList.objects.get(pk=contacts.pk)
    return Contact.objects.filter(list=row).count(), row.contact_count


def test_the_page_shows_the_lists_of_the_brand_that_are_offered() -> None:
    campaign = sent(text=TEXT)
    offered(campaign.lists.get().name, "Sales")
    offered("News")
    contact_lists.create("Internal", None)
    toys = Brand.objects.create(name="Toys", slug="toys")
    with acting_for(toys.pk):
        offered("Toys")
    for method in ("GET", "HEAD"):
        answer = visit(method=method)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    body = visit().body.decode()
    assert [name for name in ("Sales", "Our News", "Internal", "Our Toys") if name in body] == [
        "Sales",
        "Our News",
    ]
    assert body.count(" checked") == 1
    assert "Set-Cookie" not in answer.headers
    assert AuditEntry.objects.filter(kind="visitor").count() == 0


def test_a_choice_adds_and_removes_the_recipient() -> None:
    campaign = sent(text=TEXT)
    own, news = offered(campaign.lists.get().name), offered("News")
    answer = visit(f"action=save&shown={own.pk}&shown={news.pk}&list={news.pk}")
    assert b"Your choice is saved." in answer.body
    assert (members(own), members(news)) == ((2, 2), (1, 1))
    assert ContactList.objects.get(pk=news.pk).countries == {first().country: 1}
    assert Contact.objects.get(list=news).msisdn == first().msisdn
    assert ContactList.objects.get(pk=own.pk).updated_at > own.updated_at  # audiences are recounted
    message = f"campaign {campaign.pk}, message {first().pk}"
    trail = AuditEntry.objects.filter(kind="visitor").values_list("action", "detail")
    assert sorted(trail) == [
        ("added", f"to contactlist:{news.pk}; {message}"),
        ("removed", f"from contactlist:{own.pk}; {message}"),
    ]
    visit(f"action=save&shown={own.pk}&shown={news.pk}&list={news.pk}")  # pressed twice
    assert AuditEntry.objects.filter(kind="visitor").count() == 2


def test_only_lists_that_were_shown_and_are_offered_change() -> None:
    campaign = sent(text=TEXT)
    own, hidden = offered(campaign.lists.get().name), contact_lists.create("Hidden", None)
    visit(f"action=save&shown={hidden.pk}&list={hidden.pk}")
    assert (members(own), members(hidden)) == ((3, 3), (0, 0))
    public_lists.stop_offering(own, None)
    visit(f"action=save&shown={own.pk}")
    assert members(own) == (3, 3)


@pytest.mark.parametrize(
    "form", ["action=save&shown=x&list=%00&shown=99999999999999999999", "x" * 50_000, "action=?"]
)
def test_nonsense_changes_nothing(form: str) -> None:
    own = offered(sent(text=TEXT).lists.get().name)
    assert visit(form).status == 200
    assert members(own) == (3, 3)


def test_all_messages_can_be_stopped_and_that_undone() -> None:
    own = offered(sent(text=TEXT).lists.get().name)
    assert b"You are unsubscribed" in visit("action=stop").body
    assert (OptOut.objects.count(), StopListEntry.objects.count()) == (1, 1)
    news = offered("News")
    visit(f"action=save&shown={news.pk}&list={news.pk}")
    assert (members(own), members(news)) == ((3, 3), (0, 0))
    assert b"<h1>Your lists</h1>" in visit("action=undo").body
    assert StopListEntry.objects.count() == 0


def test_whoever_was_erased_chooses_nothing() -> None:
    sent(text=TEXT)
    news = offered("News")
    erase(first().msisdn, None)
    assert b"You are unsubscribed" in visit(f"action=save&shown={news.pk}&list={news.pk}").body
    assert members(news) == (0, 0)


def test_the_tag_becomes_a_link_beside_the_other_tag_and_links() -> None:
    campaign = draft(text=f"{{unsubscribe}} {SHOP} {{preferences|x}}", sms_text="{preferences}")
    template = compile_message(campaign)
    assert template.link_numbers == (0, 14, 15)
    base = f"https://{HOST}/link-0000"
    assert template.render({}).text == f"{base}15 {base}00 {base}14"
    assert template.render({}).sms_text == f"{base}14"


def test_fewer_links_are_tracked_beside_the_tag() -> None:
    links = " ".join(f"https://e{number}.example.com" for number in range(15))
    assert tracking_of(draft(text=links)).links_max == 15
    campaign = draft(text=f"{links} {{preferences}}")
    texts = [str(problem.message) for problem in message_problems(campaign)]
    assert texts[0].startswith("Track at most 14 links: this message has 15.")


def test_a_tag_within_a_link_is_a_problem() -> None:
    for text in (f"{SHOP}?x={{preferences}}", "https://{unsubscribe}.example.com"):
        found = message_problems(draft(text=text))
        assert str(found[0].message).startswith("Move {")


def test_the_tag_says_how_to_unsubscribe_and_needs_an_offered_list() -> None:
    campaign = draft(text="Sale! {preferences}", promotional=True)
    texts = [str(problem.message) for problem in warnings(campaign)]
    assert "The message does not say how to unsubscribe." not in texts
    assert [text for text in texts if text.startswith("{preferences} leads to a page without")]
    offered("News")
    texts = [str(problem.message) for problem in warnings(campaign)]
    assert not [text for text in texts if text.startswith("{preferences}")]


def test_the_tag_of_sign_ups_is_refused_in_other_messages() -> None:
    texts = [str(problem.message) for problem in problems(draft(text="{confirm}"))]
    assert [text for text in texts if text.startswith("{confirm} works only in the message of a")]
