"""Imports: from an uploaded file to contacts on a list. Changes by hand belong to lists.

In the order of the flow:

- uploads: files on disk
- errors: the error whose text is shown to the user
- file_types, spreadsheets: any upload to a text file
- encodings, csv_reader: a text file to records
- column_mapping: which columns are phones and merge tags
- rows: records to slices of contacts and rejected rows
- contact_store: slices to the database
- runner, dry_run: a whole import, or only its counts
- lifecycle: the steps of an import
- rejected_rows: finding and clearing a phone in rejected rows
"""
