"""Exceptions: what somebody has to look at, each once, with an owner, a date and what is at risk.

What belongs here: the kinds (`kinds.py`: how each is found, who owns it, what to do) and what becomes of a found cause
from date to date (`lifecycle.py`: opened, kept, escalated, resolved). What does not: deciding whether a record is wrong,
a delivery late or a variance too large; that is read from the tables that decided it.
"""
