"""Campaigns, from the draft to its results.

- schemas: what all answers say of a campaign, and its version
- fields: what a request says of a draft, read into the form of the composer
- campaigns: listed, written, copied, deleted, labelled, archived
- reviews, launching: what stands before a launch, the launch itself, tests, rehearsals, approval
- actions: what can be done with a campaign under way, and after its end
- progress, recipients: what became of it, in numbers and by recipient
- variants: the results of each, and the choice of one
- notes: what users write about it
"""
