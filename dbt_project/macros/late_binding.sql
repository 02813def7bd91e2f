{# The project is parsed once, without the variables of a run (orchestration/dbt_parse.py). What dbt reads when it parses,
   the places of sources and the `where` of data tests, therefore holds no variable; these macros put it in at run time. #}

{# A source's place in the lake: `<lake>` of its external_location is the folder of this run. #}
{% macro source(source_name, table_name) -%}
    {% set relation = builtins.source(source_name, table_name) %}
    {% if relation.external -%}
        {% set lake = var('lake') | replace("'", "''") %}
        {% do return(relation.replace(external=relation.external | replace('<lake>', lake))) %}
    {%- endif %}
    {% do return(relation) %}
{%- endmacro %}

{# The rows that a data test looks at: `where: in_state_range` stands for the macro of that name. #}
{% macro default__get_where_subquery(relation) -%}
    {% set where = config.get('where') %}
    {% if not where -%}
        {% do return(relation) %}
    {%- endif %}
    {% set rows = in_state_range() if where == 'in_state_range' else where %}
    {% do return('(select * from ' ~ relation ~ ' where ' ~ rows ~ ') dbt_subquery') %}
{%- endmacro %}
