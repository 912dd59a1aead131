"""Fields with a type: how their values are read, kept and shown.

- value_formats: how values are written in a file, and the normal form of each type
- proposals: the format of a column, from its values
- typed_columns: the columns of an import, normalised and counted
- list_fields: the fields of a list and their types
- shown_values: values for readers, messages and exports
"""
