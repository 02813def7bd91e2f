{# Counts under policy (semantics 18): which variance is small enough to post without asking. #}

{# The value of policy parameter `name`_a, _b or _c for an item's class; what is not classed counts as C. #}
{% macro by_class(name, abc) -%}
    case {{ abc }} when 'A' then {{ var(name ~ '_a') }} when 'B' then {{ var(name ~ '_b') }} else {{ var(name ~ '_c') }} end
{%- endmacro %}

{# Whole units of the book within which a count agrees with it. #}
{% macro count_tolerance_units(book_units, abc) -%}
    floor(abs({{ book_units }}) * {{ by_class('reconciliation_tolerance', abc) }})::BIGINT
{%- endmacro %}

{# Whether a variance posts by itself: within tolerance, or worth no more than its class may post. Without a cost its value
   is unknown, and only the tolerance speaks for it. #}
{% macro is_auto_variance(variance, book_units, unit_cost, abc) -%}
    (abs({{ variance }}) <= {{ count_tolerance_units(book_units, abc) }}
    or coalesce(abs(({{ variance }}) * {{ unit_cost }}) <= {{ by_class('reconciliation_auto_post_value', abc) }}, false))
{%- endmacro %}

{# Whether the count of event `e`, which meets `book_units`, posts. #}
{% macro is_posting_count(e, book_units) -%}
    ({{ e }}.is_opening or ({{ e }}.is_count_posting and ({{ e }}.is_approved or
    {{ is_auto_variance(e ~ '.counted_units - (' ~ book_units ~ ')', book_units, e ~ '.unit_cost', e ~ '.abc') }})))
{%- endmacro %}

{# Whether a fact of `fact` (business_date, event_at) precedes the count of `c`: an earlier date, the count's date without a
   time, or a time up to counted_at. #}
{% macro precedes_count(fact, c, event_at='event_at') -%}
    ({{ fact }}.business_date < {{ c }}.business_date or ({{ fact }}.business_date = {{ c }}.business_date
    and ({{ fact }}.{{ event_at }} is null or {{ fact }}.{{ event_at }} <= {{ c }}.counted_at)))
{%- endmacro %}

{# Whether it follows the count within the evidence window. #}
{% macro follows_count(fact, c, event_at='event_at') -%}
    (({{ fact }}.business_date = {{ c }}.business_date and {{ fact }}.{{ event_at }} > {{ c }}.counted_at)
    or ({{ fact }}.business_date > {{ c }}.business_date
    and {{ fact }}.business_date <= {{ c }}.business_date + {{ var('reconciliation_evidence_days') }}))
{%- endmacro %}

{# Fixed order of causes: ties go to the first. What nothing explains comes last. #}
{% macro cause_rank(cause) -%}
    case {{ cause }}
        {% for name in ['missing_receipt', 'unposted_transfer', 'late_pos', 'unrecorded_damage', 'mis_pick', 'shrink', 'count_error'] -%}
        when '{{ name }}' then {{ loop.index }}
        {% endfor -%}
        else 8
    end
{%- endmacro %}
