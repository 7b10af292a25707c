"""The schema as text: our own query over the catalogue, our own schemas, no chunks.

Two databases are alike if their descriptions are.
"""

from sqlalchemy import Connection, text

COLUMNS = text("""
    SELECT n.nspname || '.' || c.relname AS relation,
           '    ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
           || CASE WHEN a.attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE n.nspname = ANY (:schemas) AND c.relkind IN ('r', 'p', 'v')
    ORDER BY 1, a.attnum
""")

REST = text("""
    WITH ours AS (
        SELECT c.oid, n.nspname || '.' || c.relname AS relation,
               c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY (:schemas) AND c.relkind IN ('r', 'p', 'v', 'S'))
    SELECT relation, 1 AS part, 'CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid) AS line
    FROM ours JOIN pg_constraint AS k ON k.conrelid = ours.oid AND k.contype <> 'n'
    UNION ALL
    SELECT relation, 2, pg_get_indexdef(i.indexrelid) FROM ours JOIN pg_index AS i ON i.indrelid = ours.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT relation, 3, pg_get_triggerdef(t.oid) FROM ours JOIN pg_trigger AS t ON t.tgrelid = ours.oid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT relation, 4, 'ROW LEVEL SECURITY' || CASE WHEN relforcerowsecurity THEN ' FORCED' ELSE '' END
    FROM ours WHERE relrowsecurity
    UNION ALL
    SELECT relation, 5, 'POLICY ' || p.polname || ' FOR ' || p.polcmd::text || ' TO '
        || (SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles AS r WHERE r.oid = ANY (p.polroles))
        || coalesce(' USING ' || pg_get_expr(p.polqual, p.polrelid), '')
        || coalesce(' WITH CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM ours JOIN pg_policy AS p ON p.polrelid = ours.oid
    UNION ALL
    SELECT relation, 6, 'GRANT ' || string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) || ' TO ' || r.rolname
    FROM ours CROSS JOIN aclexplode(ours.relacl) AS g JOIN pg_roles AS r ON r.oid = g.grantee
    WHERE r.rolname LIKE 'yardstick\\_%'
    GROUP BY relation, r.rolname
    ORDER BY relation, part, line
""")

FUNCTIONS = text("""
    SELECT pg_get_functiondef(p.oid) || '-- owner: '
        || CASE WHEN r.rolname LIKE 'yardstick\\_%' THEN r.rolname ELSE 'the administrator' END
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE n.nspname = ANY (:schemas) ORDER BY 1
""")

SCHEMAS = ["core", "ingest", "contracts", "billing", "api", "visible"]
IGNORED = {"core.migration"}


def describe(connection: Connection) -> str:
    """Tables with columns, constraints, indexes, triggers, policies and grants, then functions; in a fixed order."""
    lines: dict[str, list[str]] = {}
    for relation, line in connection.execute(COLUMNS, {"schemas": SCHEMAS}):
        lines.setdefault(f"RELATION {relation}", []).append(line)
    for relation, _, line in connection.execute(REST, {"schemas": SCHEMAS}):
        lines.setdefault(f"RELATION {relation}", []).append("    " + " ".join(line.split()))
    tables = [f"{name}\n" + "\n".join(rows) for name, rows in sorted(lines.items()) if name.split()[1] not in IGNORED]
    functions = [row[0] for row in connection.execute(FUNCTIONS, {"schemas": SCHEMAS})]
    return "\n\n".join(tables + functions) + "\n"
