-- What was believed at a turn: one row for each value of each distribution held at each turn from 1 on, the closing
-- turn included. A distribution is held from the turn in which it was written until it is written anew; `v_beliefs`
-- has only the turns in which something changed.
SELECT
  d.episode AS episode, -- the episode's id
  d.turn AS turn, -- the turn, from 1; what is held at it covers all events before it
  d.holder AS holder, -- who believes it
  d.chain AS chain, -- `alice`, `alice>bob` (what Alice thinks Bob believes), `alice&bob` (common ground), ...
  d.variable AS variable, -- what it is about
  d.value AS value, -- one of the variable's values
  d.probability AS probability, -- 0-1; sums to 1 over the values of one distribution
  d.estimator AS estimator, -- how it came about: `rules`, `verbalised`, `choice`, `sampled`, `person`; `set` from outside
  d.declared AS declared, -- 1 for a variable of the world or the scenario, 0 for an open proposition
  d.since AS since, -- the turn in which it was written, at most this one
  d.other AS other, -- on a chain `holder>other`, the other; else NULL
  d.own AS own_probability, -- on such a chain, the probability the holder itself gives this value at this turn
  d.own - d.probability AS gap, -- own minus other's: positive where the holder believes it more than it thinks other does
  CASE WHEN sum(d.shared) OVER one > 0 THEN d.shared / sum(d.shared) OVER one END
    AS overlap, -- the smaller of the two, renormalised over the values; NULL where they share nothing
  d.truth AS truth, -- the variable's true value at this turn; NULL where the world has none
  CASE WHEN d.truth IS NOT NULL THEN sum(CASE WHEN d.value = d.truth THEN d.probability ELSE 0.0 END) OVER one END
    AS true_probability -- what this distribution gives the true value, 0-1, the same in all its rows
FROM (
  SELECT
    h.*,
    CASE WHEN h.own_turn IS NOT NULL THEN coalesce(o.probability, 0.0) END AS own,
    CASE
      WHEN h.own_turn IS NULL THEN NULL
      WHEN o.probability < h.probability THEN o.probability
      WHEN o.probability IS NULL THEN 0.0
      ELSE h.probability
    END AS shared
  FROM (
    SELECT
      t.turn, c.*,
      (
        SELECT max(o.turn) FROM belief AS o
        WHERE o.episode = c.episode AND o.holder = c.holder AND o.chain = c.holder AND o.variable = c.variable
          AND o.turn <= t.turn AND c.other IS NOT NULL
      ) AS own_turn,
      (
        SELECT g.value FROM gold AS g
        WHERE g.episode = c.episode AND g.chain = 'world' AND g.variable = c.variable
          AND g.turn = (
            SELECT max(m.turn) FROM gold AS m
            WHERE m.episode = c.episode AND m.chain = 'world' AND m.variable = c.variable AND m.turn <= t.turn
          )
        ORDER BY g.probability DESC, g.value
        LIMIT 1
      ) AS truth
    FROM (
      SELECT
        b.episode, b.turn AS since, b.holder, b.chain, b.variable, b.value, b.probability, b.estimator,
        CASE WHEN b.declared THEN 1 ELSE 0 END AS declared,
        CASE
          WHEN substr(b.chain, 1, length(b.holder) + 1) = b.holder || '>'
            AND length(replace(replace(b.chain, '>', ''), '&', '')) = length(b.chain) - 1
          THEN substr(b.chain, length(b.holder) + 2)
        END AS other,
        (
          SELECT min(n.turn) FROM belief AS n
          WHERE n.episode = b.episode AND n.holder = b.holder AND n.chain = b.chain AND n.variable = b.variable
            AND n.turn > b.turn
        ) AS until
      FROM belief AS b
    ) AS c
    JOIN turn AS t
      ON t.episode = c.episode AND t.turn >= c.since AND t.turn >= 1 AND (c.until IS NULL OR t.turn < c.until)
  ) AS h
  LEFT JOIN belief AS o
    ON o.episode = h.episode AND o.turn = h.own_turn AND o.holder = h.holder AND o.chain = h.holder
    AND o.variable = h.variable AND o.value = h.value
) AS d
WINDOW one AS (PARTITION BY d.episode, d.turn, d.holder, d.chain, d.variable)
