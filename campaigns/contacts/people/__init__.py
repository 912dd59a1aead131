"""What belongs to a phone and not to one of its lists.

- languages: tags and names of languages
- topics: topics as they are typed and stored
- person: the values of a person, and changing them
- person_ids: the id that stands for a phone in addresses
"""
