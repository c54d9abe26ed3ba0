, points AS (
  SELECT q.*, b.turn FROM pair AS q
  JOIN belief AS b ON b.episode = q.episode AND b.holder = q.holder_1 AND b.chain = q.chain_1 AND b.variable = q.variable
  UNION
  SELECT q.*, b.turn FROM pair AS q
  JOIN belief AS b ON b.episode = q.episode AND b.holder = q.holder_2 AND b.chain = q.chain_2 AND b.variable = q.variable
), spans AS (
  SELECT
    p.*, CASE WHEN p.turn < 1 THEN 1 ELSE p.turn END AS first,
    lead(p.turn, 1, e.head + 1) OVER (
      PARTITION BY p.episode, p.chain_1, p.chain_2, p.variable ORDER BY p.turn
    ) AS until
  FROM points AS p
  JOIN episode AS e ON e.id = p.episode
), found AS (
  SELECT
    s.*,
    (
      SELECT max(m.turn) FROM belief AS m
      WHERE m.episode = s.episode AND m.holder = s.holder_1 AND m.chain = s.chain_1 AND m.variable = s.variable
        AND m.turn <= s.turn
    ) AS since_1,
    (
      SELECT max(m.turn) FROM belief AS m
      WHERE m.episode = s.episode AND m.holder = s.holder_2 AND m.chain = s.chain_2 AND m.variable = s.variable
        AND m.turn <= s.turn
    ) AS since_2
  FROM spans AS s
  WHERE s.until > s.first
), apart AS (
  -- One row for each stretch of turns, `first` to before `until`, over which neither of the two changes.
  SELECT
    f.episode, a.estimator, f.first, f.until, f.until - f.first AS turns,
    sum(abs(a.probability - coalesce(b.probability, 0))) / 2 AS distance
  FROM found AS f
  JOIN belief AS a
    ON a.episode = f.episode AND a.holder = f.holder_1 AND a.chain = f.chain_1 AND a.variable = f.variable
    AND a.turn = f.since_1
  JOIN belief AS b
    ON b.episode = f.episode AND b.holder = f.holder_2 AND b.chain = f.chain_2 AND b.variable = f.variable
    AND b.turn = f.since_2 AND b.value = a.value AND b.estimator = a.estimator
  WHERE a.estimator NOT IN ('set', 'person')
  GROUP BY f.episode, f.chain_1, f.chain_2, f.variable, a.estimator, f.first, f.until
)
