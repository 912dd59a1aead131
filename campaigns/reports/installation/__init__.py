"""Whether the installation works, and its figures: for monitoring and for administrators.

readiness  what is needed now: database, migrations, cache, queue
figures    what the database says about queue, batches, imports, e-mails and money
metrics    these figures for Prometheus
status     these figures in words
"""
