"""Root causes of stock-outs and overstock: facts of the days before, replayed one by one against what was lost or is too much.

`evidence` finds in SQL what each fact kept away from a position and for how long; `attribute` is the kernel over arrays.
"""
