"""What belongs to a phone and not to one of its lists.

- languages: tags and names of languages
- topics: topics as they are typed and stored
- person: the values of a person, and changing them
- names: the names of contacts, for the places that show phones
- person_ids: the id that stands for a phone in addresses
"""
