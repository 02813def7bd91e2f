"""Reason codes of stock corrections, read from the notes that people typed into the description."""

from __future__ import annotations

import numpy as np
import pandas as pd

OTHER = "other"
#: First match wins; a note without any of these, or no note at all, is ``other``: no reason is made up.
NOTES = (
    ("disposal", r"(?:throw|thrown) away|destroy"),
    ("damage", r"dama?g|dagam|broke|breakage|smash|crack|crush|wet\b|water|rust|mould|faulty|smudge|unsale"),
    ("sample", r"sample|showroom|display|mailout|given away"),
    ("shrink", r"lost\b|missing|\bmia\b|can't find|stolen|theft"),
    ("found", r"found|put aside"),
    (
        "correction",
        r"check|count|adjust|wrong|incorr|error|oops|\bfix|mix(?:ed)? up|code|mark|mrked|credit|reverse"
        r"|dotcom(?:stock)?\b|amazon|ebay|sold (?:as|in|sets)|orders?\b|rcvd|returned|stock|[0-9]{5}",
    ),
)
#: Which way each reason moves sellable stock; a note that says the opposite of its sign corrects an earlier entry.
LOSSES = ("disposal", "damage", "sample", "shrink")


def reason_codes(notes: pd.Series, units: np.ndarray) -> np.ndarray:
    """Reason code of each correction, (n,) strings of the landing contract's list.

    notes: what was typed, may be null. units: (n,) signed change of sellable stock.
    """
    text = notes.fillna("").str.lower()
    matches = [text.str.contains(pattern, regex=True).to_numpy(bool) for _, pattern in NOTES]
    reasons = np.select(matches, [name for name, _ in NOTES], OTHER)
    opposite = (np.isin(reasons, LOSSES) & (units > 0)) | ((reasons == "found") & (units < 0))
    return np.where(opposite, "correction", reasons)

