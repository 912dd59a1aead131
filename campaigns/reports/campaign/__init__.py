"""One campaign in detail, and one phone across campaigns.

variants            the results of variants side by side
progress            the part of the page that updates by itself
progress_figures    its key figures and lines of cost
status_texts        sentences about its head and its actions
timeline            messages by hour or day
reasons             why recipients are in a state
recipients          the table of recipients
activity            the audit trail as sentences
unusual_responses   unusual responses of the gateway
contact_history     one phone: its campaigns, and all data stored about it
"""
