-- One mind's model of another against what it is a model of: for each turn, holder, other and variable, the belief on
-- the chain `holder>other` beside its gold, the other's own report, and the other's next act about the variable. The
-- headline set is `differs = 1 AND robust = 1`: there, what the holder should believe itself is not what it should take
-- the other to believe.
SELECT
  v.episode AS episode, -- the episode's id
  coalesce(t.turn, v.first) AS turn, -- the turn, from 1; model, gold and report cover all events before it
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
  -- Worked out once for every stretch of turns (`first` to `last`) over which nothing of it changes.
  SELECT
    m.episode, m.first, m.last, m.holder, m.other, m.chain, m.variable, m.estimator, m.elicited, m.rule, m.act, m.act_turn,
    m.value, min(m.value) OVER one AS least,
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
        h.episode, h.first, h.last, h.holder, h.other, h.chain, h.variable, h.elicited, h.act_turn,
        coalesce(b.value, p.value) AS value, coalesce(b.probability, p.probability) AS p,
        coalesce(b.estimator, p.estimator) AS estimator,
        g.rule, g.probability AS g, g.basis, o.probability AS o,
        CASE WHEN g.robust AND o.robust THEN 1 WHEN g.robust IS NOT NULL THEN 0 END AS robust,
        coalesce(r.probability, q.probability) AS r,
        coalesce(r.estimator, CASE WHEN q.probability IS NOT NULL THEN 'probe' END) AS report_by,
        h.act
      FROM (
        -- DISTINCT also has the act looked up once, not wherever it is used.
        SELECT DISTINCT
          l.*,
          (
            SELECT k.value FROM claim AS k
            JOIN event AS e ON e.episode = k.episode AND e.turn = k.turn AND e.ordinal = k.event
            WHERE k.episode = l.episode AND k.turn = l.act_turn AND k.speaker = l.other AND k.variable = l.variable
              AND k.holds AND k.believer IS NULL AND e.origin = 'participant'
            ORDER BY k.event, k.ordinal
            LIMIT 1
          ) AS act
        FROM (
          SELECT s.*, min(s.turn) OVER same AS first, max(s.turn) OVER same AS last
          FROM (
            SELECT DISTINCT
              c.*,
              (
                SELECT max(m.turn) FROM gold AS m
                WHERE m.episode = c.episode AND m.chain = c.chain AND m.variable = c.variable AND m.turn <= c.turn
              ) AS gold_turn,
              (
                SELECT max(m.turn) FROM gold AS m
                WHERE m.episode = c.episode AND m.chain = c.holder AND m.variable = c.variable AND m.turn <= c.turn
              ) AS own_gold_turn,
              (
                SELECT max(m.turn) FROM belief AS m
                WHERE m.episode = c.episode AND m.holder = c.other AND m.chain = c.other AND m.variable = c.variable
                  -- What a person answered is a report of its own turn alone.
                  AND m.turn <= c.turn AND (m.estimator <> 'person' OR m.turn = c.turn)
              ) AS report_turn,
              (
                SELECT min(f.ordinal)
                FROM probe_belief AS f
                LEFT JOIN probe AS s ON s.episode = f.episode AND s.turn = f.turn AND s.ordinal = f.ordinal
                LEFT JOIN participant AS a ON a.episode = f.episode AND a.name = f.holder
                WHERE f.episode = c.episode AND f.turn = c.turn AND f.holder = c.other AND f.chain = c.other
                  AND f.variable = c.variable AND (s.model = a.model OR s.model IS NULL OR a.model IS NULL)
              ) AS report_ordinal,
              -- A turn with probes stands by itself, between the stretches before and after it.
              (
                SELECT max(f.turn) FROM probe_belief AS f WHERE f.episode = c.episode AND f.turn <= c.turn
              ) AS probed_turn,
              (
                SELECT k.turn FROM claim AS k
                JOIN event AS e ON e.episode = k.episode AND e.turn = k.turn AND e.ordinal = k.event
                WHERE k.episode = c.episode AND k.turn >= c.turn AND k.speaker = c.other AND k.variable = c.variable
                  AND k.holds AND k.believer IS NULL AND e.origin = 'participant'
                ORDER BY k.turn
                LIMIT 1
              ) AS act_turn
            FROM (
              SELECT
                d.episode, t.turn, d.holder, substr(d.chain, length(d.holder) + 2) AS other, d.chain, d.variable,
                d.since, CAST(NULL AS INTEGER) AS ordinal, 'inline' AS elicited
              FROM (
                SELECT
                  n.episode, n.holder, n.chain, n.variable, n.turn AS since,
                  lead(n.turn, 1, 2147483647) OVER (
                    PARTITION BY n.episode, n.holder, n.chain, n.variable ORDER BY n.turn
                  ) AS until
                FROM (
                  SELECT DISTINCT b.episode, b.holder, b.chain, b.variable, b.turn FROM belief AS b
                  WHERE length(replace(b.chain, '>', '')) = length(b.chain) - 1
                ) AS n
              ) AS d
              JOIN turn AS t ON t.episode = d.episode AND t.turn >= d.since AND t.turn >= 1 AND t.turn < d.until
              UNION ALL
              SELECT DISTINCT
                p.episode, p.turn, p.holder, substr(p.chain, length(p.holder) + 2) AS other, p.chain, p.variable,
                p.turn AS since, p.ordinal, 'probe' AS elicited
              FROM probe_belief AS p
              WHERE p.estimator <> 'set' AND length(replace(p.chain, '>', '')) = length(p.chain) - 1 AND p.ordinal = (
                SELECT min(f.ordinal)
                FROM probe_belief AS f
                LEFT JOIN probe AS s ON s.episode = f.episode AND s.turn = f.turn AND s.ordinal = f.ordinal
                LEFT JOIN participant AS a ON a.episode = f.episode AND a.name = f.holder
                WHERE f.episode = p.episode AND f.turn = p.turn AND f.holder = p.holder AND f.chain = p.chain
                  AND f.variable = p.variable AND (s.model = a.model OR s.model IS NULL OR a.model IS NULL)
              )
            ) AS c
          ) AS s
          WINDOW same AS (
            PARTITION BY s.episode, s.holder, s.chain, s.variable, s.elicited, s.since, s.gold_turn, s.own_gold_turn,
              s.report_turn, s.report_ordinal, s.probed_turn, CASE WHEN s.probed_turn = s.turn THEN 1 ELSE 0 END,
              s.act_turn
          )
        ) AS l
        WHERE l.turn = l.first
      ) AS h
      LEFT JOIN belief AS b
        ON h.elicited = 'inline' AND b.episode = h.episode AND b.holder = h.holder AND b.chain = h.chain
        AND b.variable = h.variable AND b.turn = h.since
      LEFT JOIN probe_belief AS p
        ON h.elicited = 'probe' AND p.episode = h.episode AND p.turn = h.since AND p.ordinal = h.ordinal
        AND p.holder = h.holder AND p.chain = h.chain AND p.variable = h.variable
      LEFT JOIN gold AS g
        ON g.episode = h.episode AND g.chain = h.chain AND g.variable = h.variable AND g.turn = h.gold_turn
        AND g.value = coalesce(b.value, p.value)
      LEFT JOIN gold AS o
        ON o.episode = h.episode AND o.chain = h.holder AND o.variable = h.variable AND o.turn = h.own_gold_turn
        AND o.value = coalesce(b.value, p.value) AND o.rule = g.rule
      LEFT JOIN belief AS r
        ON r.episode = h.episode AND r.holder = h.other AND r.chain = h.other AND r.variable = h.variable
        AND r.turn = h.report_turn AND r.value = coalesce(b.value, p.value)
      LEFT JOIN probe_belief AS q
        ON q.episode = h.episode AND q.turn = h.first AND q.ordinal = h.report_ordinal AND q.holder = h.other
        AND q.chain = h.other AND q.variable = h.variable AND q.value = coalesce(b.value, p.value)
      WHERE h.elicited = 'probe' OR (
        b.declared AND b.estimator <> 'set' AND (b.estimator <> 'person' OR h.first = h.since)
      )
    ) AS j
    WINDOW one AS (
      PARTITION BY j.episode, j.first, j.holder, j.other, j.chain, j.variable, j.estimator, j.elicited, j.rule
    )
  ) AS m
  WINDOW one AS (
    PARTITION BY m.episode, m.first, m.holder, m.other, m.chain, m.variable, m.estimator, m.elicited, m.rule
  )
) AS v
LEFT JOIN turn AS t ON t.episode = v.episode AND t.turn >= v.first AND t.turn <= v.last AND v.elicited = 'inline'
  AND (v.estimator <> 'person' OR t.turn = v.first)
WHERE v.value = v.least
