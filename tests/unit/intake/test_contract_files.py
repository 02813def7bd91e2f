"""The packaged feed contracts against landing.md, and the loader's refusals."""

import pytest

from data_quality.feeds import Column, ContractError, load_contracts

# Feed -> (kind, grain, key scope): transcribed from landing.md (bold = grain) and semantics 10.
EXPECTED = {
    "pos": ("transaction", "transaction_id line_no", "window"),
    "returns": ("transaction", "return_id line_no", "window"),
    "receipts": ("transaction", "receipt_id line_no", "window"),
    "cycle_counts": ("transaction", "count_id line_no", "window"),
    "adjustments": ("transaction", "adjustment_id", "window"),
    "shipments": ("transaction", "shipment_id line_no", "window"),
    "orders": ("transaction", "order_id line_no", "date"),
    "stock_outs": ("transaction", "location_id sku_id", "date"),
    "overrides": ("transaction", "override_id", "date"),
    "approvals": ("transaction", "approval_id", "date"),
    "items": ("master", "sku_id", "date"),
    "locations": ("master", "location_id", "date"),
    "inventory_snapshot": ("master", "location_id sku_id", "date"),
    "lanes": ("master", "from_id to_location_id", "date"),
    "purchase_orders": ("master", "po_id line_no", "date"),
    "promotions": ("master", "promo_id sku_id location_id", "date"),
    "assortment": ("master", "sku_id location_id", "date"),
    "vendor_contracts": ("master", "supplier_id sku_id location_id", "date"),
    "budgets": ("master", "department month", "date"),
}

# name:type of every column, ! = required, transcribed from landing.md.
COLUMNS = {
    "pos": "transaction_id:str! line_no:int! location_id:str! sku_id:str! units:int! net_amount:num! unit_list_price:num "
    "sold_at:ts channel:str promo_id:str customer_id:str",
    "returns": "return_id:str! line_no:int! location_id:str! sku_id:str! units:int! disposition:str! reason_code:str "
    "refund_amount:num original_transaction_id:str returned_at:ts",
    "receipts": "receipt_id:str! line_no:int! location_id:str! sku_id:str! units:int! units_damaged:int source_type:str! "
    "source_id:str source_line_no:int supplier_id:str from_location_id:str received_at:ts",
    "cycle_counts": "count_id:str! line_no:int! location_id:str! sku_id:str! counted_units:int! counted_at:ts! count_type:str "
    "counter_id:str reason_code:str",
    "adjustments": "adjustment_id:str! location_id:str! sku_id:str! units:int! reason_code:str! count_id:str approved_by:str "
    "adjusted_at:ts",
    "shipments": "shipment_id:str! line_no:int! from_location_id:str! to_location_id:str! sku_id:str! units:int! shipped_at:ts "
    "expected_date:date allocation_id:str",
    "orders": "order_id:str! line_no:int! sku_id:str! units:int! channel:str! ordered_at:ts! promised_date:date "
    "customer_tier:str ship_to_region:str status:str! ship_from_location_id:str allow_split:bool",
    "stock_outs": "location_id:str! sku_id:str! hours_out:num! hours_open:num!",
    "overrides": "override_id:str! sku_id:str! to_location_id:str! from_location_id:str kind:str! units:int reason_code:str! "
    "requested_by:str! approved_by:str expires_on:date",
    "approvals": "approval_id:str! dataset:str! row_key:str! decision:str! decided_by:str! role:str! decided_at:ts!",
    "items": "sku_id:str! style_id:str description:str colour:str size:str department:str! class:str subclass:str brand:str "
    "supplier_id:str unit_cost:num! unit_price:num! case_pack:int cube:num season:str lifecycle:str launch_date:date "
    "like_sku_id:str strategic:bool ownership:str shelf_life_days:int",
    "locations": "location_id:str! name:str location_type:str! channel:str region:str cluster:str tier:str supplied_by:str "
    "open_date:date close_date:date receiving_days:str receiving_capacity_units:int dispatch_capacity_units:int "
    "dispatch_capacity_lines:int storage_capacity_units:int",
    "inventory_snapshot": "location_id:str! sku_id:str! on_hand:int! damaged:int reserved:int as_of:ts",
    "lanes": "from_id:str! to_location_id:str! lead_time_days:num! lead_time_sd_days:num ship_days:str cutoff_time:str "
    "cost_per_unit:num cost_per_shipment:num min_order_units:int order_multiple:str mode:str",
    "purchase_orders": "po_id:str! line_no:int! supplier_id:str! location_id:str! sku_id:str! ordered_units:int! "
    "received_units:int expected_date:date! confirmed_units:int asn_id:str crossdock:bool status:str!",
    "promotions": "promo_id:str! sku_id:str! location_id:str! start_date:date! end_date:date! kind:str! promo_price:num "
    "expected_uplift:num protect_units:int",
    "assortment": "sku_id:str! location_id:str! start_date:date end_date:date presentation_min:int shelf_capacity:int status:str",
    "vendor_contracts": "supplier_id:str! sku_id:str! location_id:str! kind:str! min_units:int max_units:int min_share:num "
    "start_date:date end_date:date",
    "budgets": "department:str! month:date! planned_sales:num! planned_markdowns:num planned_eom_inventory:num! "
    "planned_receipts:num",
}


def test_contracts_are_those_of_landing_md():
    """semantics 10: keys and how far they reach."""
    contracts = load_contracts()
    assert {n: (c.kind, " ".join(c.grain), c.key_scope) for n, c in contracts.items()} == EXPECTED
    assert list(contracts)[:2] == ["locations", "items"]
    written = {n: " ".join(f"{c.name}:{c.type}{'!' * c.required}" for c in k.columns) for n, k in contracts.items()}
    assert written == COLUMNS


def test_bounds_and_value_lists_are_those_of_landing_md():
    contracts = load_contracts()
    bounds = {
        f"{n}.{c.name}": (c.min, c.nonzero)
        for n, k in contracts.items()
        for c in k.columns
        if c.min is not None or c.nonzero
    }
    assert bounds == {
        "pos.units": (1, False),
        "returns.units": (1, False),
        "receipts.units": (0, False),
        "receipts.units_damaged": (0, False),
        "cycle_counts.counted_units": (0, False),
        "adjustments.units": (None, True),
        "shipments.units": (1, False),
        "orders.units": (1, False),
        "stock_outs.hours_out": (0, False),
        "stock_outs.hours_open": (0, True),
        "items.unit_cost": (0, True),
        "items.unit_price": (0, True),
        "items.case_pack": (1, False),
    }
    assert contracts["items"].column("case_pack").default == 1
    assert contracts["returns"].column("disposition").enum == ("restock", "damaged", "vendor", "liquidate", "destroy")
    with pytest.raises(KeyError, match="no column colour"):
        contracts["pos"].column("colour")


def test_every_number_has_a_unit_and_every_column_a_description():
    for contract in load_contracts().values():
        for column in contract.columns:
            assert isinstance(column, Column) and column.description
            assert column.unit or column.type not in ("int", "num")


def test_a_bad_contract_names_every_problem(tmp_path):
    (tmp_path / "x.yaml").write_text(
        "feed: y\nkind: odd\ndescription: d\ngrain: [a, b]\nkey_scope: ever\nrequires: [items]\ncolour: red\ncolumns:\n"
        "  - {name: a, type: int, required: true, description: d}\n"
        "  - {name: b, type: money, description: ''}\n"
        "  - {name: load, type: str, min: 1, enum: [], references: a.b, description: d, size: 3}\n"
    )
    (tmp_path / "z.yaml").write_text("feed: [")
    (tmp_path / "w.yaml").write_text("- a")
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path)
    text = str(caught.value)
    for part in (
        "w.yaml: is not a mapping",
        "x.yaml: feed is 'y'",
        "kind 'odd'",
        "key_scope 'ever'",
        "unknown key colour",
        "column a: unit is missing",
        "column b: type 'money'",
        "column b: description is missing",
        "grain column b is not a required column",
        "column load: name is reserved",
        "column load: unknown key size",
        "column load: bounds need",
        "column load: enum needs",
        "column load: references is none of",
        "requires must list the referenced feeds",
        "z.yaml: not valid YAML",
    ):
        assert part in text
