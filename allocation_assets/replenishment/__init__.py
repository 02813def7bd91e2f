"""Replenishment: what to order from suppliers and upstream locations, and what each unit of safety stock buys.

Pure kernels over arrays of pairs (SKU x location): no Dagster, no files, no clock.
`problem` (what goes in and out), `policies` (proposals), `safety_stock` (targets, cost of service), `guaranteed_service`
and `pooled` (where to hold in a tree, what a DC needs), `contracts` (VMI band, minimum share), `budget` (open-to-buy).
"""
