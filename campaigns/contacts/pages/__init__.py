"""The Contacts pages: views, forms and addresses only. Segments have their pages in compose.

- urls: addresses
- tabs: the tabs of all these pages
- forms: all forms
- list_views: lists and their contacts
- contact_views: one contact, and the search over all lists
- stop_list_views: the stop list
- import_views: the steps of an import
"""
