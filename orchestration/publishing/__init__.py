"""Write, audit, publish: from gated tables and lake files to `published/`, all or nothing."""
