"""What is done for recipients after a campaign.

- resend: a draft to the failed recipients
- erase_contact: erase the data of one phone
- phone_columns: which columns may hold a phone; phone_texts: a phone within texts
- waiting_files: uploaded files that were not imported
"""
