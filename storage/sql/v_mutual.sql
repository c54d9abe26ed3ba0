-- One mind's model of another against what it is a model of: for each turn, holder, other and variable, the belief on
-- the chain `holder>other` beside its gold, the other's own report, and the other's next act about the variable. The
-- headline set is `differs = 1 AND robust = 1`: there, what the holder should believe itself is not what it should take
-- the other to believe.
SELECT
  v.episode AS episode, -- the episode's id
  v.turn AS turn, -- the turn, from 1; model, gold and report cover all events before it
  v.holder AS holder, -- who models
  v.other AS other, -- who is modelled
  v.chain AS chain, -- `holder>other`
  v.variable AS variable, -- what it is about
  v.estimator AS estimator, -- how the model came about: `rules`, `verbalised`, `choice`, `sampled` or `person`
  v.elicited AS elicited, -- `inline` for beliefs of the mind itself, `probe` for what its copy said when it was asked
  v.rule AS rule, -- the trust rule of the gold; NULL where there is no gold
  v.top AS value, -- the model's likeliest value; the last by name among equals
  v.size AS size, -- how many values the variable has in the model
  v.gold_brier AS gold_brier, -- squared distance to gold, 0-2; NULL without gold
  v.pg / v.g_modes AS gold_probability, -- given to gold's likeliest value, the mean of equals, 0-1
  v.g_hits / (v.p_modes * v.g_modes)
    AS gold_hit, -- how likely one of the model's likeliest values, drawn at random, is one so drawn of gold's, 0-1
  v.report_brier AS report_brier, -- squared distance to the other's own belief; NULL where none was stated
  v.pr / v.r_modes AS report_probability, -- given to the likeliest value of the other's own belief
  v.r_hits / (v.p_modes * v.r_modes) AS report_hit, -- as `gold_hit`, for the report
  v.report_distance AS report_distance, -- total variation between model and report, 0-1
  v.report_by AS report_by, -- the report's estimator (`set` where it was set from outside), or `probe` where the other stated it in a probe alone
  v.act_brier AS act_brier, -- squared distance to what the other next says of it; NULL if nothing
  v.pa AS act_probability, -- given to that value
  v.a_hits / v.p_modes AS act_hit, -- whether it was the likeliest; equals share
  v.act AS act_value, -- the value of the first claim about the variable that an act of the other's own makes
  v.act_turn AS act_turn, -- the turn of that act, this one or later
  v.differs AS differs, -- 1 where the holder's own gold is not that of its model of the other; NULL without gold
  v.robust AS robust, -- 1 where all trust rules agree on both of them
  v.basis AS gold_basis -- what the gold rests on: `witnessed`, `told` or `prior`
FROM (
  SELECT
    m.episode, m.turn, m.holder, m.other, m.chain, m.variable, m.estimator, m.elicited, m.rule, m.act, m.act_turn,
    row_number() OVER (
      PARTITION BY m.episode, m.turn, m.holder, m.other, m.chain, m.variable, m.estimator, m.elicited, m.rule
      ORDER BY m.value
    ) AS place,
    max(CASE WHEN m.p_mode = 1 THEN m.value END) OVER one AS top,
    count(*) OVER one AS size,
    sum(m.p_mode) OVER one AS p_modes,
    sum(m.g_mode) OVER one AS g_modes,
    sum(m.r_mode) OVER one AS r_modes,
    sum((m.p - m.g) * (m.p - m.g)) OVER one AS gold_brier,
    sum(m.p * m.g_mode) OVER one AS pg,
    sum(1.0 * m.p_mode * m.g_mode) OVER one AS g_hits,
    sum((m.p - m.r) * (m.p - m.r)) OVER one AS report_brier,
    sum(m.p * m.r_mode) OVER one AS pr,
    sum(1.0 * m.p_mode * m.r_mode) OVER one AS r_hits,
    sum(abs(m.p - m.r)) OVER one / 2 AS report_distance,
    min(m.report_by) OVER one AS report_by,
    sum((m.p - m.a) * (m.p - m.a)) OVER one AS act_brier,
    sum(m.p * m.a) OVER one AS pa,
    sum(1.0 * m.p_mode * m.a) OVER one AS a_hits,
    max(CASE WHEN m.g IS NULL OR m.o IS NULL THEN NULL WHEN abs(m.g - m.o) > 1e-9 THEN 1 ELSE 0 END) OVER one
      AS differs,
    min(m.robust) OVER one AS robust,
    min(m.basis) OVER one AS basis
  FROM (
    SELECT
      j.*,
      CASE WHEN j.p >= max(j.p) OVER one - 1e-9 THEN 1 ELSE 0 END AS p_mode,
      CASE WHEN j.g IS NULL THEN NULL WHEN j.g >= max(j.g) OVER one - 1e-9 THEN 1 ELSE 0 END AS g_mode,
      CASE WHEN j.r IS NULL THEN NULL WHEN j.r >= max(j.r) OVER one - 1e-9 THEN 1 ELSE 0 END AS r_mode,
      CASE WHEN j.act IS NULL THEN NULL WHEN j.value = j.act THEN 1.0 ELSE 0.0 END AS a
    FROM (
      SELECT
        h.episode, h.turn, h.holder, h.other, h.chain, h.variable, h.value, h.p, h.estimator, h.elicited,
        g.rule, g.probability AS g, g.basis, o.probability AS o,
        CASE WHEN g.robust AND o.robust THEN 1 WHEN g.robust IS NOT NULL THEN 0 END AS robust,
        coalesce(r.probability, q.probability) AS r,
        coalesce(r.estimator, CASE WHEN q.probability IS NOT NULL THEN 'probe' END) AS report_by,
        (
          SELECT k.value FROM claim AS k
          JOIN event AS e ON e.episode = k.episode AND e.turn = k.turn AND e.ordinal = k.event
          WHERE k.episode = h.episode AND k.turn >= h.turn AND k.speaker = h.other AND k.variable = h.variable
            AND k.holds AND k.believer IS NULL AND e.origin = 'participant'
          ORDER BY k.turn, k.event, k.ordinal
          LIMIT 1
        ) AS act,
        (
          SELECT min(k.turn) FROM claim AS k
          JOIN event AS e ON e.episode = k.episode AND e.turn = k.turn AND e.ordinal = k.event
          WHERE k.episode = h.episode AND k.turn >= h.turn AND k.speaker = h.other AND k.variable = h.variable
            AND k.holds AND k.believer IS NULL AND e.origin = 'participant'
        ) AS act_turn
      FROM (
        SELECT
          c.episode, t.turn, c.holder, substr(c.chain, length(c.holder) + 2) AS other, c.chain, c.variable, c.value,
          c.probability AS p, c.estimator, 'inline' AS elicited
        FROM (
          SELECT
            b.*,
            (
              SELECT min(n.turn) FROM belief AS n
              WHERE n.episode = b.episode AND n.holder = b.holder AND n.chain = b.chain AND n.variable = b.variable
                AND n.turn > b.turn
            ) AS until
          FROM belief AS b
          WHERE b.declared AND b.estimator <> 'set' AND length(replace(b.chain, '>', '')) = length(b.chain) - 1
        ) AS c
        JOIN turn AS t
          ON t.episode = c.episode AND t.turn >= c.turn AND t.turn >= 1 AND (c.until IS NULL OR t.turn < c.until)
        UNION ALL
        SELECT
          p.episode, p.turn, p.holder, substr(p.chain, length(p.holder) + 2) AS other, p.chain, p.variable, p.value,
          p.probability AS p, p.estimator, 'probe' AS elicited
        FROM probe_belief AS p
        WHERE p.estimator <> 'set' AND length(replace(p.chain, '>', '')) = length(p.chain) - 1 AND p.ordinal = (
          SELECT min(f.ordinal)
          FROM probe_belief AS f
          LEFT JOIN probe AS s ON s.episode = f.episode AND s.turn = f.turn AND s.ordinal = f.ordinal
          LEFT JOIN participant AS a ON a.episode = f.episode AND a.name = f.holder
          WHERE f.episode = p.episode AND f.turn = p.turn AND f.holder = p.holder AND f.chain = p.chain
            AND f.variable = p.variable AND (s.model = a.model OR s.model IS NULL OR a.model IS NULL)
        )
      ) AS h
      LEFT JOIN gold AS g
        ON g.episode = h.episode AND g.chain = h.chain AND g.variable = h.variable AND g.value = h.value AND g.turn = (
          SELECT max(m.turn) FROM gold AS m
          WHERE m.episode = h.episode AND m.chain = h.chain AND m.variable = h.variable AND m.turn <= h.turn
        )
      LEFT JOIN gold AS o
        ON o.episode = h.episode AND o.chain = h.holder AND o.variable = h.variable AND o.value = h.value
        AND o.rule = g.rule AND o.turn = (
          SELECT max(m.turn) FROM gold AS m
          WHERE m.episode = h.episode AND m.chain = h.holder AND m.variable = h.variable AND m.turn <= h.turn
        )
      LEFT JOIN belief AS r
        ON r.episode = h.episode AND r.holder = h.other AND r.chain = h.other AND r.variable = h.variable
        AND r.value = h.value AND r.turn = (
          SELECT max(m.turn) FROM belief AS m
          WHERE m.episode = h.episode AND m.holder = h.other AND m.chain = h.other AND m.variable = h.variable
            AND m.turn <= h.turn
        )
      LEFT JOIN probe_belief AS q
        ON q.episode = h.episode AND q.turn = h.turn AND q.holder = h.other AND q.chain = h.other
        AND q.variable = h.variable AND q.value = h.value AND q.ordinal = (
          SELECT min(f.ordinal)
          FROM probe_belief AS f
          LEFT JOIN probe AS s ON s.episode = f.episode AND s.turn = f.turn AND s.ordinal = f.ordinal
          LEFT JOIN participant AS a ON a.episode = f.episode AND a.name = f.holder
          WHERE f.episode = h.episode AND f.turn = h.turn AND f.holder = h.other AND f.chain = h.other
            AND f.variable = h.variable AND (s.model = a.model OR s.model IS NULL OR a.model IS NULL)
        )
    ) AS j
    WINDOW one AS (
      PARTITION BY j.episode, j.turn, j.holder, j.other, j.chain, j.variable, j.estimator, j.elicited, j.rule
    )
  ) AS m
  WINDOW one AS (
    PARTITION BY m.episode, m.turn, m.holder, m.other, m.chain, m.variable, m.estimator, m.elicited, m.rule
  )
) AS v
WHERE v.place = 1
