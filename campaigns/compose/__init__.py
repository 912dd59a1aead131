"""Everything up to the launch of a campaign: drafts, their audience, message, schedule and cost.

Sending belongs to dispatch, results to results. From the inside out; a package imports only those
before it:

1. schedule: sending hours and time zones. 2. models: the tables. 3. audience: who a campaign goes
to. 4. message: what each recipient gets. 5. preview: how a phone shows it. 6. pricing: what it
costs. 7. launch: checks, approval and the states of a campaign. 8. library: images, templates,
labels and notes. 9. editor: the form of a draft. 10. pages: views, forms and addresses.
"""
