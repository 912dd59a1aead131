"""Tracked links: which links of a message become short links, and the codes in those.

1. codes: the code of a recipient's link, and back. 2. short_links: the address of short links, and
what stands for a code until it is made. 3. tracked_links: the links of a message, and their
targets. What happens when a link is opened belongs to a later stage.
"""
