"""Editing a draft: its form, saving it, and what is shown or tried out while it is written.

form_fields, variant_fields, initial_values, form · drafts: save, duplicate, delete · autosave ·
campaign_file: a draft as JSON · card_summaries, draft_metrics, local_times: what stands beside the
form · test_send · rehearsal. What is true of each field is in `compose.draft_fields`; the rules of
a message are in `launch`.
"""
