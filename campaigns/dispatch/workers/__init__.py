"""The worker processes of a machine; what they do is in campaigns.dispatch.tasks.

- slots: one process at a time for each job
- health: whether the queue still works
- stopping: whether it is to end
"""
