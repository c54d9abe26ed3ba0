WITH own AS (
  SELECT
    b.episode, b.holder, b.variable, b.turn, b.probability, b.estimator,
    lag(b.probability) OVER (
      PARTITION BY b.episode, b.holder, b.variable, b.value ORDER BY b.turn
    ) AS former
  FROM belief AS b
  WHERE {these}(b.episode) AND b.chain = b.holder AND b.declared
), held AS (
  -- From `first` on it is held; one that was stated in several ways, or set, or by a person when asked, is left out.
  SELECT o.episode, o.holder, o.variable, min(o.turn) AS first, e.head AS last, min(o.estimator) AS estimator
  FROM own AS o
  JOIN episode AS e ON e.id = o.episode
  GROUP BY o.episode, o.holder, o.variable, e.head
  HAVING min(o.estimator) = max(o.estimator) AND min(o.estimator) NOT IN ('set', 'person')
), moves AS (
  -- What a turn's events did shows in the belief of the next turn.
  SELECT o.episode, o.holder, o.variable, o.turn - 1 AS turn, sum(abs(o.probability - o.former)) / 2 AS moved
  FROM own AS o
  WHERE o.former IS NOT NULL
  GROUP BY o.episode, o.holder, o.variable, o.turn
), heard AS (
  -- What somebody heard claimed, or claimed itself, about a variable in a turn.
  SELECT c.episode, c.turn, c.variable, c.holder, min(c.speaker) AS speaker, max(c.speaker) AS another
  FROM (
    SELECT c.episode, c.turn, c.variable, c.speaker, w.participant AS holder
    FROM claim AS c
    JOIN witness AS w
      ON w.episode = c.episode AND w.turn = c.turn AND w.event = c.event AND w.level = 'content'
    WHERE {these}(c.episode) AND c.believer IS NULL AND c.speaker IS NOT NULL
    UNION ALL
    SELECT c.episode, c.turn, c.variable, c.speaker, c.speaker AS holder
    FROM claim AS c
    WHERE {these}(c.episode) AND c.believer IS NULL AND c.speaker IS NOT NULL
  ) AS c
  GROUP BY c.episode, c.turn, c.variable, c.holder
), told AS (
  SELECT
    h.episode, h.turn, h.variable, h.holder, h.speaker, k.estimator, coalesce(m.moved, 0.0) AS moved,
    CASE WHEN h.speaker = h.another AND h.speaker <> h.holder THEN 1 ELSE 0 END AS clear
  FROM heard AS h
  JOIN held AS k ON k.episode = h.episode AND k.holder = h.holder AND k.variable = h.variable
    AND h.turn >= k.first AND h.turn < k.last
  LEFT JOIN moves AS m ON m.episode = h.episode AND m.holder = h.holder AND m.variable = h.variable AND m.turn = h.turn
)
