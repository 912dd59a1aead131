"""The Contacts pages: views, forms and addresses only. Segments have their pages in compose.

- urls: addresses
- person_addresses: the opaque id of a phone in addresses
- tabs: the tabs of all these pages
- forms, contact_forms, type_forms, typed_fields: their forms
- list_views: lists and their contacts
- contact_views: one contact, and the search over all lists
- person_views: what belongs to a phone and not to a list
- stop_list_views: the stop list
- imports/: imports
"""
