"""Views, forms and addresses of drafts, their review and what they are made from.

Nothing else in `compose` knows about HTTP. In the order of the flow:

urls             the addresses
draft_request    the draft, form, preview and local times that a request is about
draft_views      write, duplicate and delete a draft
live_views       what the composer fetches while somebody types: preview, metrics, autosave
image_views      the image library, and the images that phones fetch
template_views   templates
segment_views    segments, with segment_forms
review_views     review, test send, rehearsal and launch, with launch_forms
approval_views   approve, request changes, withdraw
triggers         triggers, which send the message of a draft for events
series           series, which send a draft again by a rule
label_views      labels, notes and archive on the page of a campaign
settings_views   senders, test groups, labels and approval limits, with settings_forms
"""
