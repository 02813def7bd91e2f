"""Allocation: which pair of SKU and location gets how many cases from its DC today, and a certificate of how good.

`problem` holds the data classes, `engine.plan` decides, `scorer` and `feasibility` check it with code of their own,
`calendar` says when a lane can ship and what it must cover, `identity` names a line. No Dagster, files or clock here
outside `assets.py`.
"""
