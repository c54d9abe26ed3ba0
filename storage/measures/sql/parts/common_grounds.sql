WITH held AS (
  SELECT DISTINCT
    b.episode, b.holder, b.chain, b.variable, substr(b.chain, length(b.holder) + 2) AS other
  FROM belief AS b
  WHERE {these}(b.episode) AND b.declared AND substr(b.chain, 1, length(b.holder) + 1) = b.holder || '&'
), pair AS (
  SELECT
    a.episode, a.holder AS holder_1, a.chain AS chain_1, b.holder AS holder_2, b.chain AS chain_2, a.variable
  FROM held AS a
  JOIN held AS b ON b.episode = a.episode AND b.variable = a.variable AND b.holder = a.other AND b.other = a.holder
  WHERE b.holder > a.holder
)
