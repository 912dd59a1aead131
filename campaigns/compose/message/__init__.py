"""The message of a campaign: its texts, links and image, and how long it gets for an audience.

Preview, review and sending all take their texts from `render`. What makes a message acceptable is
checked in launch; what it costs is counted in pricing.

1. merge_tags: placeholders in a text; foreign_tags: those of other programs. 2. sms: encoding and
parts of an SMS. 3. web_addresses, links: hosts, and the button's UTM parameters.
4. picture_colours, pictures: uploaded images. 5. variants: other versions of a message; render: the
message of one recipient.
6. sql_functions, message_lengths, measured_audience: an audience and its lengths, in one pass.
7. audience_counts: small audiences at once, large ones by a worker.
"""
