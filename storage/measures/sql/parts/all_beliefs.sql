WITH held AS (
  SELECT DISTINCT b.episode, b.holder, b.chain, b.variable, b.turn FROM belief AS b WHERE {these}(b.episode) AND b.declared
), wanted AS (
  SELECT 1 AS robust -- those alone on whose gold all trust rules agree
)
