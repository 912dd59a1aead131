"""From a finished draft to a launched campaign, and every later change of a campaign's state.

What a launch needs (no problems, a confirmation, perhaps an approval) belongs here; writing the
draft is `editor`, sending it is `campaigns.dispatch`. In the order of the flow:

problem        one thing to fix or to consider, at a field of the form
text_checks    what is wrong with a message: links, placeholders of other programs, variants
warnings       what is allowed and may still be a mistake
local_start    when a campaign at the recipients' local time starts
funds_check    the estimate against the budget and the balance
checks         what forbids a launch
confirmation   the figures that a user types to confirm
approval       which campaigns need a second person, and who that may be
test_limits    how many phones a test has, and how many messages a day
pause_reasons  why a campaign is paused, in words
running_changes  budget and sending hours after the launch
lifecycle      every change of state; nothing else writes `Campaign.state`
"""
