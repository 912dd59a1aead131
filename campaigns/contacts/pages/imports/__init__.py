"""The pages of imports.

- source_views, source_forms: where a file comes from: an upload, an address, pasted rows
- import_views, import_notes: the steps of an import, and what its check and report say
- schedule_views: imports from an address on a schedule
- undo_views: undoing an import
"""
