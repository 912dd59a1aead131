"""Changes of lists and of the stop list apart from imports, and the tables for their exports.

- contact_lists: add, edit, remove and copy contacts; delete a list
- seen_values: changes made on a page that others may have overtaken
- all_lists: edit a contact on all lists of its phone
- models, public_lists: what recipients are told of lists that are offered to them
- type_changes: change the types of fields, and convert their values
- stop_list: add and remove phones
- exports: contacts and rejected rows as tables
"""
