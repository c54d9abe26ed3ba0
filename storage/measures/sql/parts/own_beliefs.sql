WITH held AS (
  SELECT DISTINCT b.episode, b.holder, b.chain, b.variable, b.turn FROM belief AS b
  WHERE {these}(b.episode) AND b.declared AND b.chain = b.holder
), wanted AS (
  SELECT 0 AS robust
)
