"""Who a campaign goes to: conditions on contacts, answered by the database.

Nothing here knows messages or prices, and nothing is stored but segments; the recipients of a
launched campaign are made in dispatch.freeze.

1. recipient_outcomes: contacts by their outcomes in earlier campaigns. 2. person_conditions: by
consent, language and topics. 3. segments: saved conditions. 4. selection: the audience of a
campaign. 5. merge_values: of recipients on several lists. 6. versions: of the data it is made of.
7. first_time_recipients: those who never got a message.
"""
