"""SQL that turns beliefs, the list and the locations' sums into the decided datasets: order, types, money, words."""

_PROBABILITY = "round({0}, 6) AS {0}"
_RECORD_BELIEFS = f"""
SELECT $day::DATE AS business_date, location_id, sku_id, book AS book_on_hand, believed_units AS believed_on_hand,
       {_PROBABILITY.format("probability_wrong")}, {_PROBABILITY.format("probability_empty")},
       {_PROBABILITY.format("probability_hidden")}, zero_sales_days::INTEGER AS zero_sales_days,
       nullif(days_since_count, -1)::INTEGER AS days_since_count, evidence
FROM records ORDER BY location_id, sku_id
"""
_COUNT_LIST = f"""
SELECT $day::DATE AS business_date, location_id, sku_id, l.rank::INTEGER AS count_rank, l.location_rank::INTEGER AS location_rank,
       {_PROBABILITY.format("probability_wrong")}, {_PROBABILITY.format("probability_empty")},
       l.gain::DECIMAL(18, 6) AS expected_gain, book AS book_on_hand, believed_units AS believed_on_hand,
       nullif(days_since_count, -1)::INTEGER AS days_since_count,
       CASE evidence
           WHEN 'negative_book' THEN format('the book is negative ({{:d}})', book)
           WHEN 'shelf_seen_empty' THEN format('the shelf was seen empty while the book says {{:d}}', book)
           WHEN 'sold_beyond_book' THEN 'more was sold than the book held'
           WHEN 'no_sale_since_receipt' THEN format('no sale since the last receipt, {{:d}} days without one, {{:.1f}} units expected', zero_sales_days, zero_sales_units)
           WHEN 'zero_sales' THEN format('{{:d}} days without a sale, {{:.1f}} units expected', zero_sales_days, zero_sales_units)
           WHEN 'age' THEN CASE WHEN days_since_count < 0 THEN 'never counted' ELSE format('not counted for {{:d}} days', days_since_count) END
           ELSE 'errors that counts of the location have found before'
       END AS reason
FROM records JOIN listed AS l USING (pair) ORDER BY location_id, sku_id
"""
BELIEFS = {"record_beliefs": _RECORD_BELIEFS, "count_list": _COUNT_LIST}

ERROR_SUMS = ("receipt_lines", "receiving_error_lines", "counted_records", "wrong_records", "loss_value", "sales_value")
ERRORS = """
SELECT location_id, sum(receipt_lines)::BIGINT AS receipt_lines, sum(receiving_error_lines)::BIGINT AS receiving_error_lines,
       sum(counted_records)::BIGINT AS counted_records, sum(wrong_records)::BIGINT AS wrong_records,
       sum(loss_units)::BIGINT AS shrink_units, sum(loss_value)::DECIMAL(18, 6) AS loss_value,
       sum(net_sales_value)::DECIMAL(18, 6) AS sales_value
FROM int_location_errors_daily
WHERE business_date > $day::DATE - to_days($window) AND business_date <= $day::DATE
GROUP BY location_id ORDER BY location_id
"""
RELIABILITY = """
SELECT $day::DATE AS business_date, location_id, receipt_lines, receiving_error_lines,
       round(receiving_error_rate, 6) AS receiving_error_rate, counted_records, wrong_records,
       round(wrong_record_rate, 6) AS wrong_record_rate, shrink_units, loss_value AS shrink_value,
       round(shrink_rate, 6) AS shrink_rate, is_chronic_receiving, is_chronic_shrink, action::VARCHAR AS action, buffer_rate,
       cause::VARCHAR AS cause
FROM judged ORDER BY location_id
"""
