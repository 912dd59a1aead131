"""Messages that events of other systems send: an order that was paid, a cart that was left.

1. arrivals: take an event in, once. 2. moves: what users do with triggers. 3. runs: the campaigns
to which the messages of a day belong; their recipients are made in dispatch (freeze/events.py).
4. texts: what pages and the API say of them.
"""
