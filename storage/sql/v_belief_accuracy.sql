-- How good each belief was: one row for each turn, holder, chain, variable and estimator, against what should have been
-- believed (`gold`) and, for a holder's own beliefs, against what was true. Probabilities are clipped at 0.001 in
-- logarithms, which are natural. A belief stands in it at every turn at which it is held, what a person answered (by
-- `person`) at the turn at which they were asked alone; gold of chains deeper than the
-- minds' order is not kept, and NULL here. What was set from outside, at a fork, is no mind's own and not in it until it
-- is revised. Average nothing over different estimators, sources or rules.
SELECT
  v.episode AS episode, -- the episode's id
  coalesce(t.turn, v.first) AS turn, -- the turn, from 1; belief, gold and truth cover all events before it
  v.holder AS holder, -- who believes it
  v.chain AS chain, -- `alice`, `alice>bob` (what Alice thinks Bob believes), `alice&bob` (common ground), ...
  v.chain_order AS chain_order, -- 1 for `alice`, 2 for `alice>bob` and `alice&bob`, and so on
  v.variable AS variable, -- what it is about
  v.source AS source, -- `turn` for what the mind itself held, `probe` for what its copy said when it was asked
  v.probe AS probe, -- the probe's ordinal within its turn; NULL for `turn`
  v.estimator AS estimator, -- how it came about: `rules`, `verbalised`, `choice`, `sampled` or `person`
  v.rule AS rule, -- the trust rule of the gold; NULL where there is no gold
  v.size AS size, -- how many values there are
  v.confidence AS confidence, -- what the likeliest value is given, 0-1
  v.gold_brier AS gold_brier, -- squared distance to gold, summed over the values, 0-2
  -v.g_ln_p AS gold_log_loss, -- cross-entropy to gold in nats: minus the sum of gold times ln of the belief
  -v.g_ln_g AS gold_entropy, -- the least `gold_log_loss` there can be: 0 where gold is certain
  1.0 * v.common_modes / (v.p_modes * v.g_modes)
    AS gold_accuracy, -- whether the likeliest value is gold's likeliest; where several are, a draw among equals, 0-1
  v.gold_confidence AS gold_confidence, -- what gold gives its likeliest value; 1 where gold is certain
  v.basis AS gold_basis, -- what the gold rests on: `witnessed`, `told` or `prior`
  v.established AS gold_established, -- for `told`: how the claim came about, `scripted`, `rules`, `declared`, ...
  v.robust AS robust, -- 1 where all trust rules agree on the gold, which is the headline; else 0
  v.truth AS truth, -- the true value; NULL for deeper chains, or where there is none
  v.truth_probability AS truth_probability, -- what the true value is given, 0-1
  v.truth_brier AS truth_brier, -- squared distance to the truth, summed over the values, 0-2
  -v.w_ln_p AS truth_log_loss, -- minus ln of what the true value is given, in nats
  v.true_modes / v.p_modes AS truth_accuracy, -- whether the likeliest value is the true one; equals share
  CASE WHEN v.truth_probability > v.gold_truth + 1e-9 AND v.gold_confidence < 1 - 1e-9 THEN 1
    WHEN v.truth_probability IS NOT NULL AND v.gold_truth IS NOT NULL THEN 0 END
    AS beyond_gold -- 1 where gold is not certain and the truth is given more than gold gives it: no error
FROM (
  -- Worked out once for every stretch of turns (`first` to `last`) over which nothing of it changes.
  SELECT
    k.*,
    min(k.value) OVER one AS least,
    count(*) OVER one AS size,
    max(k.p) OVER one AS confidence,
    sum((k.p - k.g) * (k.p - k.g)) OVER one AS gold_brier,
    sum(k.g * k.ln_p) OVER one AS g_ln_p,
    sum(k.g * k.ln_g) OVER one AS g_ln_g,
    sum(k.p_mode * k.g_mode) OVER one AS common_modes,
    sum(k.p_mode) OVER one AS p_modes,
    sum(k.g_mode) OVER one AS g_modes,
    max(k.g) OVER one AS gold_confidence,
    max(CASE WHEN k.w > 0.5 THEN k.value END) OVER one AS truth,
    sum(k.p * k.w) OVER one AS truth_probability,
    sum(k.g * k.w) OVER one AS gold_truth,
    sum((k.p - k.w) * (k.p - k.w)) OVER one AS truth_brier,
    sum(k.w * k.ln_p) OVER one AS w_ln_p,
    sum(k.p_mode * k.w) OVER one AS true_modes
  FROM (
    SELECT
      j.*,
      -- Most are 0 or 1, of which the logarithm is known (0 counts as 0.001; where gold is 0, its own is not needed).
      CASE WHEN j.p >= 1 THEN 0.0 WHEN j.p <= 0.001 THEN -6.907755278982137 ELSE {ln}(j.p_clipped) END AS ln_p,
      CASE WHEN j.g >= 1 OR j.g = 0 THEN 0.0 ELSE {ln}(j.g_clipped) END AS ln_g,
      CASE WHEN j.p >= max(j.p) OVER one - 1e-9 THEN 1 ELSE 0 END AS p_mode,
      CASE WHEN j.g IS NULL THEN NULL WHEN j.g >= max(j.g) OVER one - 1e-9 THEN 1 ELSE 0 END AS g_mode
    FROM (
      SELECT
        h.*,
        length(h.chain) - length(replace(replace(h.chain, '>', ''), '&', '')) + 1 AS chain_order,
        CASE WHEN h.p < 0.001 THEN 0.001 ELSE h.p END AS p_clipped,
        CASE WHEN g.probability < 0.001 THEN 0.001 ELSE g.probability END AS g_clipped,
        g.probability AS g, g.rule, g.basis, g.established,
        CASE WHEN g.robust THEN 1 WHEN g.robust IS NOT NULL THEN 0 END AS robust,
        w.probability AS w
      FROM (
        SELECT
          l.episode, l.first, l.last, l.holder, l.chain, l.variable, b.value, b.probability AS p, b.estimator,
          'turn' AS source, CAST(NULL AS INTEGER) AS probe, l.gold_turn, l.world_turn
        FROM (
          SELECT
            p.episode, p.holder, p.chain, p.variable, CASE WHEN p.turn < 1 THEN 1 ELSE p.turn END AS first,
            lead(p.turn, 1, 2147483647) OVER (
              PARTITION BY p.episode, p.holder, p.chain, p.variable ORDER BY p.turn
            ) - 1 AS last,
            (
              SELECT max(m.turn) FROM belief AS m
              WHERE m.episode = p.episode AND m.holder = p.holder AND m.chain = p.chain AND m.variable = p.variable
                AND m.turn <= p.turn
            ) AS since,
            (
              SELECT max(m.turn) FROM gold AS m
              WHERE m.episode = p.episode AND m.chain = p.chain AND m.variable = p.variable AND m.turn <= p.turn
            ) AS gold_turn,
            CASE WHEN p.chain = p.holder THEN (
              SELECT max(m.turn) FROM gold AS m
              WHERE m.episode = p.episode AND m.chain = 'world' AND m.variable = p.variable AND m.turn <= p.turn
            ) END AS world_turn
          FROM (
            -- Where something of it can change: it is written anew, its gold is, or the truth is.
            SELECT DISTINCT b.episode, b.holder, b.chain, b.variable, b.turn FROM belief AS b
            UNION ALL
            SELECT DISTINCT n.episode, n.holder, n.chain, n.variable, g.turn
            FROM (SELECT DISTINCT b.episode, b.holder, b.chain, b.variable FROM belief AS b) AS n
            JOIN gold AS g ON g.episode = n.episode AND g.chain = n.chain AND g.variable = n.variable
            UNION ALL
            SELECT DISTINCT n.episode, n.holder, n.chain, n.variable, g.turn
            FROM (SELECT DISTINCT b.episode, b.holder, b.chain, b.variable FROM belief AS b) AS n
            JOIN gold AS g ON g.episode = n.episode AND g.chain = 'world' AND g.variable = n.variable
            WHERE n.chain = n.holder
          ) AS p
        ) AS l
        JOIN belief AS b
          ON b.episode = l.episode AND b.holder = l.holder AND b.chain = l.chain AND b.variable = l.variable
          AND b.turn = l.since
        WHERE l.last >= l.first AND b.declared AND b.estimator <> 'set'
          -- What a person said they believe is of the turn at which they were asked.
          AND (b.estimator <> 'person' OR l.first = l.since)
        UNION ALL
        SELECT
          q.episode, q.turn AS first, q.turn AS last, q.holder, q.chain, q.variable, q.value, q.probability AS p,
          q.estimator, 'probe' AS source, q.ordinal AS probe,
          (
            SELECT max(m.turn) FROM gold AS m
            WHERE m.episode = q.episode AND m.chain = q.chain AND m.variable = q.variable AND m.turn <= q.turn
          ) AS gold_turn,
          CASE WHEN q.chain = q.holder THEN (
            SELECT max(m.turn) FROM gold AS m
            WHERE m.episode = q.episode AND m.chain = 'world' AND m.variable = q.variable AND m.turn <= q.turn
          ) END AS world_turn
        FROM probe_belief AS q
        -- The first that the mind's own model answered: repeats and answers of other models are no further items.
        WHERE q.estimator <> 'set' AND q.ordinal = (
          SELECT min(f.ordinal)
          FROM probe_belief AS f
          LEFT JOIN probe AS s ON s.episode = f.episode AND s.turn = f.turn AND s.ordinal = f.ordinal
          LEFT JOIN participant AS a ON a.episode = f.episode AND a.name = f.holder
          WHERE f.episode = q.episode AND f.turn = q.turn AND f.holder = q.holder AND f.chain = q.chain
            AND f.variable = q.variable AND (s.model = a.model OR s.model IS NULL OR a.model IS NULL)
        )
      ) AS h
      LEFT JOIN gold AS g
        ON g.episode = h.episode AND g.chain = h.chain AND g.variable = h.variable AND g.turn = h.gold_turn
        AND g.value = h.value
      LEFT JOIN gold AS w
        ON w.episode = h.episode AND w.chain = 'world' AND w.variable = h.variable AND w.turn = h.world_turn
        AND w.value = h.value
    ) AS j
    WINDOW one AS (
      PARTITION BY j.episode, j.first, j.holder, j.chain, j.variable, j.source, j.probe, j.estimator, j.rule
    )
  ) AS k
  WINDOW one AS (
    PARTITION BY k.episode, k.first, k.holder, k.chain, k.variable, k.source, k.probe, k.estimator, k.rule
  )
) AS v
LEFT JOIN turn AS t ON t.episode = v.episode AND t.turn >= v.first AND t.turn <= v.last AND v.source = 'turn'
  AND (v.estimator <> 'person' OR t.turn = v.first)
WHERE v.value = v.least AND (t.turn IS NOT NULL OR v.source = 'probe')
