"""Policy: parameters declared once, rules layered by file, the most specific rule winning parameter by parameter.

What belongs here: the schema (parameters.yaml), the packaged default policy, reading and checking policy files, and the
values of a parameter for the deployment or for arrays of pairs. What does not: what a parameter does to a decision.
Contract: landing.md, Policy files. Reference and order of specificity: docs/policy.md.
"""

from allocation_assets.policy.loader import load_policy
from allocation_assets.policy.policy import Policy
from allocation_assets.policy.problems import PolicyError, Problem
from allocation_assets.policy.resolve import Resolution
from allocation_assets.policy.rules import DEFAULT_RULE_ID, KEYS, Rule
from allocation_assets.policy.schema import WEEKDAYS, Parameter, load_parameters

__all__ = [
    "DEFAULT_RULE_ID",
    "KEYS",
    "WEEKDAYS",
    "Parameter",
    "Policy",
    "PolicyError",
    "Problem",
    "Resolution",
    "Rule",
    "load_parameters",
    "load_policy",
]
