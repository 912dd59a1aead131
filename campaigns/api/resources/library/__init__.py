"""What campaigns are made with: templates, pictures, labels, test groups and senders."""
