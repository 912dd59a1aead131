"""What is done for recipients after a campaign.

- resend: a draft to the failed recipients
- erase_contact: erase the data of one phone
"""
