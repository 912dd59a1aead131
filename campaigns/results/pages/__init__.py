"""Pages that write results: fees and corrections, and deleting a rehearsal.

Pages that only show results are in reports. Modules: `urls`, `forms`, `correction_views`,
`clear_rehearsal_views`.
"""
