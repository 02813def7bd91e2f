"""The review page and the workbook: queries over published datasets, and what turns their rows into files.

No number is worked out here that a query over `published/` does not give: topics hold the queries, the renderers format.
"""
