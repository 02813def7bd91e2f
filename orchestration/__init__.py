"""Wiring of the allocation pipeline: Dagster assets, gates, publish and the `allocator` command.

Nothing here computes a decision or a measure: kernels live in `allocation_assets/`, SQL in `dbt_project/`, checks in
`data_quality/`. What belongs here is order, partitions, locks, exit codes and what a person reads on the terminal.
"""
