"""Pages that write results: fees and corrections, deleting a rehearsal, checking the gateway.

Pages that only show results are in reports. Modules: `urls`, `forms`, `correction_views`,
`clear_rehearsal_views`, `gateway_check_forms`, `gateway_check_views`.
"""
