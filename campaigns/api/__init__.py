"""The API, /api/v1: the same data, permissions and functions as the pages, for programs.

- urls: its addresses; pages: Settings -> API, and the page that describes it
- middleware: who asks, how often, and in which brand; each error as a problem
- v1: all operations; document: the OpenAPI document of them
- resources: the operations, one module for each kind of data; packages for campaigns and money
- answers: a request that is sent again gets the first answer; parameters: unknown ones are refused
- access, etags, form_values, paging, rates, schemas: what operations are made of
- problems: errors as RFC 9457 has them
"""
