WITH held AS (
  SELECT DISTINCT b.episode, b.holder, b.chain, b.variable FROM belief AS b WHERE {these}(b.episode) AND b.declared
), pair AS (
  SELECT
    a.episode, a.holder AS holder_1, a.chain AS chain_1, b.holder AS holder_2, b.chain AS chain_2, a.variable
  FROM held AS b
  JOIN held AS a ON a.episode = b.episode AND a.variable = b.variable AND a.chain = a.holder || '>' || b.holder
  WHERE b.chain = b.holder
)
