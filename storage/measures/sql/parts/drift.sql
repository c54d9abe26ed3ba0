, told_of AS (
  SELECT
    t.episode, t.holder, t.variable, count(*) AS heard, sum(t.moved) AS moved, sum(t.clear) AS clear,
    sum(t.clear * t.moved) AS clearly
  FROM told AS t
  GROUP BY t.episode, t.holder, t.variable
), moved_of AS (
  SELECT m.episode, m.holder, m.variable, sum(m.moved) AS moved
  FROM moves AS m
  JOIN held AS k ON k.episode = m.episode AND k.holder = m.holder AND k.variable = m.variable
    AND m.turn >= k.first AND m.turn < k.last
  GROUP BY m.episode, m.holder, m.variable
), drift AS (
  SELECT
    k.episode, k.estimator, k.holder AS hearer,
    coalesce(t.clearly, 0.0) AS claimed, coalesce(t.clear, 0) AS claims,
    coalesce(m.moved, 0.0) - coalesce(t.moved, 0.0) AS moved, k.last - k.first - coalesce(t.heard, 0) AS turns
  FROM held AS k
  LEFT JOIN told_of AS t ON t.episode = k.episode AND t.holder = k.holder AND t.variable = k.variable
  LEFT JOIN moved_of AS m ON m.episode = k.episode AND m.holder = k.holder AND m.variable = k.variable
)
