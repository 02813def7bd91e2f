{#- Tables and views of this project are replaced in place, in one transaction: DuckDB changes its catalog transactionally,
    so that readers and a run that is killed see the old one or the new one. dbt's own materializations build a second
    relation and rename twice, for databases that cannot; here that is half of a small model's time. -#}
{% macro replaced(type) %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type=type) -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') -%}
    {%- if existing is not none %}
    drop {{ existing.type }} if exists {{ existing }};
    {%- endif %}
    {{ create_table_as(False, target, sql) if type == 'table' else get_create_view_as_sql(target, sql) }}
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmacro %}

{% materialization table, adapter='duckdb' %}
  {{ return(replaced('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {{ return(replaced('view')) }}
{% endmaterialization %}
