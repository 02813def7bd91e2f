{#- Time spine of the semantic layer: a day a row. -#}
select day::date as date_day
from generate_series(date '2015-01-01', date '2044-12-31', interval 1 day) as days(day)
