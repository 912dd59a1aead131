"""Tools that know no stage of the data: what two packages need, and no rule of the product.

money, query_values: values and their forms · paging: pages of tables · table_columns, table_export,
xlsx_export: tables as files · bulk: many rows in one statement · database_clock: the clock that all
machines share · time_limit: of queries · queue: waking workers.
"""
