"""The tables of a log: they and their columns are added when a part needs them, none is dropped.

``predictions`` and the others have a partition for each day, so that old days are deleted at once
and a report reads only its days. ``parts`` names the parts that are written.
"""

from datetime import date, timedelta
from typing import Any, Final

from pg8000.native import Connection, identifier, literal

from modelwatch.database.rows import Column
from modelwatch.errors import StoreError

__all__ = ["PARTS", "columns_of", "drop_days", "prepare", "qualified"]

PARTS: Final = "parts"


def qualified(schema: str, table: str) -> str:
    """The name of a table in a statement."""
    return f"{identifier(schema)}.{identifier(table)}"


def columns_of(connection: Connection, schema: str, table: str) -> tuple[Column, ...]:
    """The columns of a table but the day; none if it does not exist."""
    rows: list[list[Any]] = connection.run(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
        "to_regclass(:name) and attnum > 0 and not attisdropped and attname <> 'day' "
        "order by attnum",
        name=qualified(schema, table),
    )
    return tuple(Column(str(name), str(kind)) for name, kind in rows)


def prepare(
    connection: Connection, schema: str, table: str, day: str, columns: tuple[Column, ...]
) -> None:
    """Create what a part needs and the database has not: schema, tables, columns, partition.

    Args:
        connection: A connection in a transaction.
        schema: Schema of the log.
        table: Table of the part.
        day: Day of the part.
        columns: Columns of the part.

    Raises:
        StoreError: The table has a column of the same name and another type.
        Exception: The client's errors.
    """
    partition = f"{table}_{day.replace('-', '')}"
    if _has_all(connection, schema, table, partition, columns):
        return
    # Several processes may see the same day begin.
    connection.run(
        "select pg_advisory_xact_lock(hashtextextended(:name, 0))", name=f"modelwatch.{schema}"
    )
    if not connection.run("select 1 from pg_namespace where nspname = :name", name=schema):
        connection.run(f"create schema {identifier(schema)}")
    connection.run(
        f"create table if not exists {qualified(schema, PARTS)} (table_name text, day date, "
        "name text, rows bigint not null, written timestamptz not null default now(), "
        "primary key (table_name, day, name))"
    )
    parent = qualified(schema, table)
    connection.run(
        f"create table if not exists {parent} (day date not null) partition by range (day)"
    )
    present = {column.name for column in columns_of(connection, schema, table)}
    if added := [column for column in columns if column.name not in present]:
        clauses = ", ".join(f"add column {identifier(one.name)} {one.type}" for one in added)
        connection.run(f"alter table {parent} {clauses}")
    if not _exists(connection, qualified(schema, partition)):
        child = qualified(schema, partition)
        # `partition of` would wait for those who read the table; `attach` does not.
        connection.run(f"create table {child} (like {parent})")
        after = date.fromisoformat(day) + timedelta(days=1)
        connection.run(
            f"alter table {parent} attach partition {child} "
            f"for values from ({literal(day)}) to ({literal(after.isoformat())})"
        )


def drop_days(connection: Connection, schema: str, table: str, day: str) -> None:
    """Drop the partitions of all days before one, in a transaction."""
    if not _exists(connection, qualified(schema, PARTS)):
        return
    names = {"table": table, "before": date.fromisoformat(day)}
    where = f"from {qualified(schema, PARTS)} where table_name = :table and day < :before"
    for (one,) in connection.run(f"select distinct day {where} order by day", **names):
        connection.run(f"drop table if exists {qualified(schema, f'{table}_{one:%Y%m%d}')}")
    connection.run(f"delete {where}", **names)


def _has_all(
    connection: Connection, schema: str, table: str, partition: str, columns: tuple[Column, ...]
) -> bool:
    types = dict(columns_of(connection, schema, table))
    for column in columns:
        if types.get(column.name, column.type) != column.type:
            raise StoreError(
                f"{schema}.{table} has a column {column.name} of the type {types[column.name]}, "
                f"not {column.type}.",
                remedy="Declare the value under another name, or log to another schema.",
            )
    return types.keys() >= {column.name for column in columns} and _exists(
        connection, qualified(schema, partition)
    )


def _exists(connection: Connection, name: str) -> bool:
    [[found]] = connection.run("select to_regclass(:name) is not null", name=name)
    return bool(found)
