"""Contacts: lists, their imports, the search over them, and the stop list.

What chooses contacts for a campaign (segments, exclusions) belongs to compose; the data and the
erasure of a contact span all stages and belong to reports and dispatch. In the order of imports:

- phones: phone numbers and countries
- models: lists, contacts, imports, rejected rows, stop list entries, persons
- importing: from an uploaded file to contacts on a list
- search: contacts by a part of their phone or merge tags
- lists: changes of lists and of the stop list
- people: what belongs to a phone and not to a list
- tasks: what the queue calls
- pages: views, forms and addresses
"""
