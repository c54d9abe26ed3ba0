, points AS (
  -- Only at these turns can the distance between a belief and its targets change.
  SELECT h.* FROM held AS h
  UNION
  SELECT h.episode, h.holder, h.chain, h.variable, g.turn
  FROM (SELECT DISTINCT h.episode, h.holder, h.chain, h.variable FROM held AS h) AS h
  JOIN gold AS g ON g.episode = h.episode AND g.chain = h.chain AND g.variable = h.variable
  UNION
  SELECT h.episode, h.holder, h.chain, h.variable, g.turn
  FROM (SELECT DISTINCT h.episode, h.holder, h.chain, h.variable FROM held AS h WHERE h.chain = h.holder) AS h
  JOIN gold AS g ON g.episode = h.episode AND g.chain = 'world' AND g.variable = h.variable
), spans AS (
  SELECT
    p.*, CASE WHEN p.turn < 1 THEN 1 ELSE p.turn END AS first,
    lead(p.turn, 1, e.head + 1) OVER (
      PARTITION BY p.episode, p.holder, p.chain, p.variable ORDER BY p.turn
    ) AS until,
    -- One number for what would be five columns: of the time this takes, half is sorting.
    row_number() OVER (ORDER BY p.episode, p.holder, p.chain, p.variable, p.turn) AS id
  FROM points AS p
  JOIN episode AS e ON e.id = p.episode
), found AS (
  SELECT
    s.*,
    (
      SELECT max(m.turn) FROM belief AS m
      WHERE m.episode = s.episode AND m.holder = s.holder AND m.chain = s.chain AND m.variable = s.variable
        AND m.turn <= s.turn
    ) AS since,
    (
      SELECT max(m.turn) FROM gold AS m
      WHERE m.episode = s.episode AND m.chain = s.chain AND m.variable = s.variable AND m.turn <= s.turn
    ) AS gold_turn,
    CASE WHEN s.chain = s.holder THEN (
      SELECT max(m.turn) FROM gold AS m
      WHERE m.episode = s.episode AND m.chain = 'world' AND m.variable = s.variable AND m.turn <= s.turn
    ) END AS world_turn
  FROM spans AS s
  WHERE s.until > s.first
), counted AS (
  SELECT f.* FROM found AS f
  WHERE (SELECT robust FROM wanted) = 0 OR EXISTS (
    SELECT 1 FROM gold AS m
    WHERE m.episode = f.episode AND m.chain = f.chain AND m.variable = f.variable AND m.turn = f.gold_turn AND m.robust
  )
), given AS (
  -- No more columns than are needed: they are sorted by the million.
  SELECT
    c.id, b.estimator, g.rule, g.robust, b.probability AS p, g.probability AS g, w.probability AS w,
    max(b.probability) OVER one AS p_most, max(g.probability) OVER one AS g_most
  FROM counted AS c
  JOIN belief AS b
    ON b.episode = c.episode AND b.holder = c.holder AND b.chain = c.chain AND b.variable = c.variable
    AND b.turn = c.since
  LEFT JOIN gold AS g
    ON g.episode = c.episode AND g.chain = c.chain AND g.variable = c.variable AND g.turn = c.gold_turn
    AND g.value = b.value
  LEFT JOIN gold AS w
    ON w.episode = c.episode AND w.chain = 'world' AND w.variable = c.variable AND w.turn = c.world_turn
    AND w.value = b.value
  WHERE b.estimator <> 'set'
    -- What nobody gives anything adds nothing to any sum.
    AND (b.probability > 0 OR g.probability > 0 OR w.probability > 0)
    AND (g.robust OR (SELECT robust FROM wanted) = 0)
  WINDOW one AS (PARTITION BY c.id, g.rule)
), scored AS (
  SELECT
    v.id, max(v.estimator) AS estimator, v.rule,
    max(CASE WHEN v.robust THEN 1 ELSE 0 END) AS robust,
    max(v.p_most) AS confidence,
    sum((v.p - v.g) * (v.p - v.g)) AS gold_brier,
    sum(CASE WHEN v.p >= v.p_most - 1e-9 AND v.g >= v.g_most - 1e-9 THEN 1.0 ELSE 0.0 END)
      / sum(CASE WHEN v.p >= v.p_most - 1e-9 THEN 1 ELSE 0 END)
      / nullif(sum(CASE WHEN v.g >= v.g_most - 1e-9 THEN 1 ELSE 0 END), 0) AS gold_accuracy,
    sum((v.p - v.w) * (v.p - v.w)) AS truth_brier,
    sum(CASE WHEN v.p >= v.p_most - 1e-9 THEN v.w ELSE 0.0 END)
      / sum(CASE WHEN v.p >= v.p_most - 1e-9 THEN 1 ELSE 0 END) AS truth_accuracy,
    max(v.w) AS truth,
    CASE WHEN sum(v.p * v.w) > sum(v.g * v.w) + 1e-9 AND max(v.g_most) < 1 - 1e-9 THEN 1 ELSE 0 END AS beyond_gold
  FROM given AS v
  GROUP BY v.id, v.rule
), items AS (
  SELECT
    s.*, c.episode, c.first,
    CASE
      WHEN c.chain = c.holder THEN 'own'
      WHEN length(replace(replace(c.chain, '>', ''), '&', '')) < length(c.chain) - 1 THEN 'deeper'
      WHEN replace(c.chain, '&', '') <> c.chain THEN 'common ground'
      ELSE 'of another'
    END AS level,
    CASE WHEN s.estimator <> 'person' THEN c.until - c.first ELSE 1 END AS turns
  FROM scored AS s
  JOIN counted AS c ON c.id = s.id
  -- What a person said they believe is of the turn at which they were asked.
  WHERE s.estimator <> 'person' OR c.first = c.since
)
