-- What was believed at a turn: one row for each value of each distribution held at each turn from 1 on, the closing
-- turn included. A distribution is held from the turn in which it was written until it is written anew; `v_beliefs`
-- has only the turns in which something changed.
SELECT
  s.episode AS episode, -- the episode's id
  t.turn AS turn, -- the turn, from 1; what is held at it covers all events before it
  s.holder AS holder, -- who believes it
  s.chain AS chain, -- `alice`, `alice>bob` (what Alice thinks Bob believes), `alice&bob` (common ground), ...
  s.variable AS variable, -- what it is about
  b.value AS value, -- one of the variable's values
  b.probability AS probability, -- 0-1; sums to 1 over the values of one distribution
  b.estimator AS estimator, -- how it came about: `rules`, `verbalised`, `choice`, `sampled`, `person`; `set` from outside
  CASE WHEN b.declared THEN 1 ELSE 0 END
    AS declared, -- 1 for a variable of the world or the scenario, 0 for an open proposition
  s.since AS since, -- the turn in which it was written, at most this one
  s.other AS other, -- on a chain `holder>other`, the other; else NULL
  CASE WHEN s.own_turn IS NOT NULL THEN coalesce(o.probability, 0.0) END
    AS own_probability, -- on such a chain, the probability the holder itself gives this value at this turn
  CASE WHEN s.own_turn IS NOT NULL THEN coalesce(o.probability, 0.0) - b.probability END
    AS gap, -- own minus other's: positive where the holder believes it more than it thinks other does
  CASE WHEN s.shared > 0 THEN
    CASE WHEN o.probability IS NULL THEN 0.0 WHEN o.probability < b.probability THEN o.probability ELSE b.probability END
      / s.shared
  END AS overlap, -- the smaller of the two, renormalised over the values; NULL where they share nothing
  s.truth AS truth, -- the variable's true value at this turn; NULL where the world has none
  s.true_probability AS true_probability -- what this distribution gives the true value, 0-1, the same in all its rows
FROM (
  -- Every stretch of turns (`first` to `last`) over which nothing changes. DISTINCT has all of it worked out once.
  SELECT DISTINCT
    l.episode, CASE WHEN l.turn < 1 THEN 1 ELSE l.turn END AS first, l.last, l.holder, l.chain, l.variable, l.since,
    l.other, CASE WHEN l.other IS NOT NULL THEN l.own_turn END AS own_turn, l.truth,
    CASE WHEN l.truth IS NOT NULL THEN coalesce((
      SELECT m.probability FROM belief AS m
      WHERE m.episode = l.episode AND m.holder = l.holder AND m.chain = l.chain AND m.variable = l.variable
        AND m.turn = l.since AND m.value = l.truth
    ), 0.0) END AS true_probability,
    CASE WHEN l.other IS NOT NULL THEN (
      SELECT sum(CASE WHEN n.probability < m.probability THEN n.probability ELSE m.probability END)
      FROM belief AS m
      JOIN belief AS n
        ON n.episode = m.episode AND n.holder = m.holder AND n.chain = m.holder AND n.variable = m.variable
        AND n.turn = l.own_turn AND n.value = m.value
      WHERE m.episode = l.episode AND m.holder = l.holder AND m.chain = l.chain AND m.variable = l.variable
        AND m.turn = l.since
    ) END AS shared
  FROM (
    SELECT
      p.episode, p.turn, p.holder, p.chain, p.variable,
      lead(p.turn, 1, 2147483647) OVER (
        PARTITION BY p.episode, p.holder, p.chain, p.variable ORDER BY p.turn
      ) - 1 AS last,
      CASE
        WHEN substr(p.chain, 1, length(p.holder) + 1) = p.holder || '>'
          AND length(replace(replace(p.chain, '>', ''), '&', '')) = length(p.chain) - 1
        THEN substr(p.chain, length(p.holder) + 2)
      END AS other,
      (
        SELECT max(m.turn) FROM belief AS m
        WHERE m.episode = p.episode AND m.holder = p.holder AND m.chain = p.chain AND m.variable = p.variable
          AND m.turn <= p.turn
      ) AS since,
      (
        SELECT max(m.turn) FROM belief AS m
        WHERE m.episode = p.episode AND m.holder = p.holder AND m.chain = p.holder AND m.variable = p.variable
          AND m.turn <= p.turn
      ) AS own_turn,
      (
        SELECT m.value FROM gold AS m
        WHERE m.episode = p.episode AND m.chain = 'world' AND m.variable = p.variable AND m.turn <= p.turn
        ORDER BY m.turn DESC, m.probability DESC, m.value
        LIMIT 1
      ) AS truth
    FROM (
      -- Where something of it can change: it is written anew, the holder's own is, or the truth is.
      SELECT DISTINCT b.episode, b.holder, b.chain, b.variable, b.turn FROM belief AS b
      UNION ALL
      SELECT DISTINCT n.episode, n.holder, n.chain, n.variable, o.turn
      FROM (SELECT DISTINCT b.episode, b.holder, b.chain, b.variable FROM belief AS b) AS n
      JOIN belief AS o
        ON o.episode = n.episode AND o.holder = n.holder AND o.chain = n.holder AND o.variable = n.variable
      WHERE n.chain <> n.holder
      UNION ALL
      SELECT DISTINCT n.episode, n.holder, n.chain, n.variable, g.turn
      FROM (SELECT DISTINCT b.episode, b.holder, b.chain, b.variable FROM belief AS b) AS n
      JOIN gold AS g ON g.episode = n.episode AND g.chain = 'world' AND g.variable = n.variable
    ) AS p
  ) AS l
  WHERE l.since IS NOT NULL AND l.last >= l.turn AND l.last >= 1 -- of several changes at one turn, the last
) AS s
JOIN belief AS b
  ON b.episode = s.episode AND b.holder = s.holder AND b.chain = s.chain AND b.variable = s.variable
  AND b.turn = s.since
LEFT JOIN belief AS o
  ON o.episode = s.episode AND o.turn = s.own_turn AND o.holder = s.holder AND o.chain = s.holder
  AND o.variable = s.variable AND o.value = b.value
JOIN turn AS t ON t.episode = s.episode AND t.turn >= s.first AND t.turn <= s.last
