"""The landing contract as these tests hold the demo to it: columns, grains, types; copied by hand, not imported."""

from __future__ import annotations

# Copied by hand from the landing contract: column -> (kind, required). Kinds: str, int, num, date, ts, bool.
CONTRACT = {
    "pos": "transaction_id str! line_no int! location_id str! sku_id str! units int! net_amount num! "
           "unit_list_price num sold_at ts channel str promo_id str customer_id str",
    "returns": "return_id str! line_no int! location_id str! sku_id str! units int! disposition str! reason_code str "
               "refund_amount num original_transaction_id str returned_at ts",
    "receipts": "receipt_id str! line_no int! location_id str! sku_id str! units int! units_damaged int "
                "source_type str! source_id str source_line_no int supplier_id str from_location_id str received_at ts",
    "cycle_counts": "count_id str! line_no int! location_id str! sku_id str! counted_units int! counted_at ts! "
                    "count_type str counter_id str reason_code str",
    "adjustments": "adjustment_id str! location_id str! sku_id str! units int! reason_code str! count_id str "
                   "approved_by str adjusted_at ts",
    "shipments": "shipment_id str! line_no int! from_location_id str! to_location_id str! sku_id str! units int! "
                 "shipped_at ts expected_date date allocation_id str",
    "orders": "order_id str! line_no int! sku_id str! units int! channel str! ordered_at ts! promised_date date "
              "customer_tier str ship_to_region str status str! ship_from_location_id str allow_split bool",
    "stock_outs": "location_id str! sku_id str! hours_out num! hours_open num!",
    "items": "sku_id str! style_id str description str colour str size str department str! class str subclass str "
             "brand str supplier_id str unit_cost num! unit_price num! case_pack int cube num season str lifecycle str "
             "launch_date date like_sku_id str strategic bool ownership str shelf_life_days int",
    "locations": "location_id str! name str location_type str! channel str region str cluster str tier str "
                 "supplied_by str open_date date close_date date receiving_days str receiving_capacity_units int "
                 "dispatch_capacity_units int dispatch_capacity_lines int storage_capacity_units int",
    "inventory_snapshot": "location_id str! sku_id str! on_hand int! damaged int reserved int as_of ts",
    "lanes": "from_id str! to_location_id str! lead_time_days num! lead_time_sd_days num ship_days str cutoff_time str "
             "cost_per_unit num cost_per_shipment num min_order_units int order_multiple str mode str",
    "purchase_orders": "po_id str! line_no int! supplier_id str! location_id str! sku_id str! ordered_units int! "
                       "received_units int expected_date date! confirmed_units int asn_id str crossdock bool status str!",
    "promotions": "promo_id str! sku_id str! location_id str! start_date date! end_date date! kind str! promo_price num "
                  "expected_uplift num protect_units int",
    "assortment": "sku_id str! location_id str! start_date date end_date date presentation_min int shelf_capacity int "
                  "status str",
}
GRAIN = {
    "pos": "transaction_id, line_no", "returns": "return_id, line_no", "receipts": "receipt_id, line_no",
    "cycle_counts": "count_id, line_no", "adjustments": "adjustment_id", "shipments": "shipment_id, line_no",
    "orders": "business_date, order_id, line_no", "stock_outs": "business_date, location_id, sku_id",
    "items": "business_date, sku_id", "locations": "business_date, location_id",
    "inventory_snapshot": "business_date, location_id, sku_id", "lanes": "business_date, from_id, to_location_id",
    "purchase_orders": "business_date, po_id, line_no", "promotions": "business_date, promo_id, sku_id, location_id",
    "assortment": "business_date, sku_id, location_id",
}
SQL_TYPES = {"str": "VARCHAR", "int": "BIGINT", "num": "DECIMAL(18,6)", "date": "DATE", "ts": "TIMESTAMP",
             "bool": "BOOLEAN"}
