{# Whether anything may arrive on `day` (semantics 19); needs open_date and close_date. #}
{% macro is_open_on(day, alias='') -%}
    ({{ day }} >= coalesce({{ alias }}open_date, {{ day }}) and {{ day }} < coalesce({{ alias }}close_date, {{ day }} + 1))
{%- endmacro %}

{# The first date at or after `day` that `days` allows: seven characters, Monday first, - = no, null = every day.
   A calendar without any day gives null. #}
{% macro next_day_on(day, days) -%}
    case
        when {{ days }} is null then {{ day }}
        {% for ahead in range(7) -%}
        when substr({{ days }}, isodow({{ day }} + {{ ahead }})::INTEGER, 1) <> '-' then {{ day }} + {{ ahead }}
        {% endfor -%}
    end
{%- endmacro %}

{# A text such as 9:30 or 14:00 as a time of day; null where it is none. #}
{% macro time_of(text) -%}
    try_strptime({{ text }}, ['%H:%M', '%H:%M:%S'])::TIME
{%- endmacro %}
