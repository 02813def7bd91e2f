"""What BI tools open: a Power BI project, a Tableau extract with its data sources, LookML.

All three are written from one list of measures and dimensions, the dbt semantic layer (`dbt_project/models/semantic`), and
from the columns and types that are published. No Dagster here, no arithmetic: engines copy the rows, tools add them up.
"""
