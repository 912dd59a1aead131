"""Texts stay in plain English: phrases that were found hard do not come back.

Phrases, not words: "Try again" is good English. docs/glossary.md has the words to use instead.
"""

import re

import pytest

from tests.project.texts import texts

BANNED = (
    # what a marketer had to read twice -> what the glossary says
    r"what became of",  # state, outcome
    r"whom it comes from",  # sender
    r"whom it did not reach",  # not delivered
    r"whoever",  # recipients, contacts
    r"\bto mend\b",  # to fix
    r"\bmended\b",  # fixed, corrected
    r"leave out|left out|leaves out",  # exclude
    r"by the clock of|recipient's clock|their own clocks",  # in the recipient's local time
    r"tries for",  # validity period
    r"default word",  # fallback value
    r"people a second|recipients a second",  # send rate, per second
    r"keep as (a )?template",  # save as template
    r"out of the archive",  # unarchive
    r"send(s)? again|sent again",  # resend, resume sending
    r"goes? out now|going out now",  # sending
    r"needs you\b",  # needs your attention
    r"on its way|under way",  # sending, in progress
    r"as said at the send|said at the send",  # charged at send
    r"nothing heard",  # awaiting status
    r"out of the ordinary",  # unusual
    r"credit below zero",  # overdraft limit
    r"twice in the file|the same phone again",  # duplicates
    r"came with|brought by",  # source, uploaded by
    r"import into it",  # add contacts
    r"take(n)? off|take it back",  # remove, withdraw
    r"return(ed)? (it|to you)\b",  # request changes
    r"go(es)? with it|what names it",  # deletes, used in
    r"reckon",  # calculate
    r"write (it|them) down|written down",  # add note, record
    r"from the estimate to the bill",  # estimated vs. actual cost
    r"not yours to do",  # you don't have permission
    r"it is our fault",  # something went wrong
    r"what .* does not take",  # content rules
    r"inside this house|this house",  # simulation
    r"cut (it )?out|cut to a",  # crop
    r"is asked for|asked anew",  # is checked
    r"where it stands|stands? still",  # status
    r"somebody|nobody knows",  # a contact, a user
    r"of your own\b",  # your own
)
TEXTS = list(texts())
PATTERNS = [re.compile(phrase, re.IGNORECASE) for phrase in BANNED]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern)
def test_no_text_uses_a_banned_phrase(pattern: re.Pattern[str]) -> None:
    assert [f"{place}: {text}" for place, text in TEXTS if pattern.search(text)] == []
