"""Texts of any size and with any number of merge tags: an error at the field, never a crash."""

import pytest
from django.test import Client

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.merge_tags import CompiledText, MissingValue
from campaigns.compose.message.message_lengths import LengthRange
from campaigns.compose.message.render import CompiledMessage
from tests.compose.factories import contact_list, person, senders, ukrainians

NESTED = "{first_name|" * 200 + "x" + "}" * 200
REPEATED = "{first_name|friend}" * 1200
DIFFERENT = "".join(f"{{a{number}|x}}" for number in range(1200))
HUGE = "я" * 200_000


@pytest.mark.django_db
@pytest.mark.parametrize("text", [NESTED, REPEATED, DIFFERENT, HUGE, "{" * 5000])
def test_a_text_of_any_size_is_an_error_of_its_field(client: Client, text: str) -> None:
    client.force_login(person())
    people = contact_list("VIP", ukrainians(1))
    senders("Shop")
    texts = dict.fromkeys(("text", "button_url", "sms_text"), text)
    typed = {"name": "Spring", "sender": "Shop", "lists": [people.pk], "recipient": "longest"}
    for page in ("preview", "figures", "autosave"):
        assert client.post(f"/campaigns/{page}", {**typed, **texts}).status_code == 200
    assert client.post("/campaigns/new", {**typed, **texts, "then": "review"}).status_code == 422
    form = CampaignForm({**typed, **texts})
    assert texts.keys() <= form.errors.keys()


@pytest.mark.django_db
def test_a_tag_that_repeats_is_measured_each_time() -> None:
    people = contact_list("A", [("380971112233", "UA", {"first_name": "Іван"}),
                                ("380971112234", "UA", {})])  # fmt: skip
    text = CompiledMessage("Hi {first_name|you}, {first_name|friend}! {first_name|}" * 40)
    assert measure(Audience((people.pk,)), text).text == LengthRange(16 * 40, 19 * 40)


def test_a_text_with_too_many_fields_is_never_filled_in() -> None:
    text = CompiledText("".join(f"{{a{number}|x}}" for number in range(51)))
    assert (len(text.names), text.excess) == (50, "a50")
    with pytest.raises(MissingValue):
        text.fill({})
    assert text.fill_partially({}) == "x" * 50 + "{a50|x}"
