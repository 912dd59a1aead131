"""Public pages on which people put themselves on a list, confirmed by a message to their phone.

1. models: the page of a list, and who asked. 2. terms: what users set, and why a page is closed.
3. work: the proof of work that each request carries. 4. requests: a request becomes an event of a
trigger, whose message has the tag {confirm}. 5. confirmation: the link of that message. 6.
retention: what is deleted. 7. sign_up_page, confirm_page: what people see (WSGI).
"""
