"""The client of the BSG API, and how its answers are read. It knows no campaign.

In the order of the flow: `payload`, `transport`, `json_values`, `send_answers`, `query_answers`,
`client`, `status_questions`; `delivery_reports` reads what the gateway posts.
"""
