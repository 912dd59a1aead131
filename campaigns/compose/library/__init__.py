"""What drafts are made from, and what the team adds to campaigns to organise them.

Nothing here changes what a campaign sends or when; drafts themselves are written in `editor`.

dependants         what depends on lists, segments and images
segments           segments that nothing needs are deleted
senders            the names that messages come from
pictures           the image library, and where each image is used
logos              what recipients see of a brand on the pages of their links
web_pictures       copies of images from the web, for pages
message_templates  messages saved to start campaigns from, with locked fields
labels             the team's own keywords
test_groups        phones of the team for test sends
notes              remarks for colleagues
frequency_caps     how many messages a person may get, from a brand or a single campaign
archive            campaigns hidden from the list
"""
