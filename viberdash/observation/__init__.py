"""What is observed of each request.

request_context  its id, and who sent it, for the log
request_metrics  how many there are, and how long they take
error_page       what users see of an error, with the request's id
"""
