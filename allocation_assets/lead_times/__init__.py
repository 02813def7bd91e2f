"""Lead times from facts: how long each lane takes, how late, short and damaged what it brings is, and when open orders come.

What belongs here: shrinking what few deliveries show towards the supplier and the class of lane (`credibility.py`), the
figures of a lane (`lanes.py`), predictions of what is on order (`predict.py`). What does not: what a delivery is; that
is `int_deliveries` in the dbt project.
"""
