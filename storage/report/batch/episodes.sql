-- Every episode: how it went, how long it was, what it took; `top_share` is the share of all utterances of whoever made most.
SELECT o.episode, o.scenario, o.cell, o.seed, o.replicate, o.status, o.reason, o.reward, o.turns, o.utterances, s.top_share,
  o.calls, o.fallbacks, o.cost_usd, o.unknown_prices, c.ms_per_call
FROM v_outcomes AS o
LEFT JOIN (
  SELECT e.episode, 1.0 * max(e.said) / sum(e.said) AS top_share
  FROM (
    SELECT v.episode, v.actor, count(*) AS said
    FROM event AS v
    JOIN episode AS p ON p.id = v.episode
    WHERE p.batch = :batch AND v.origin = 'participant' AND v.kind IN ('say', 'whisper')
    GROUP BY v.episode, v.actor
  ) AS e
  GROUP BY e.episode
) AS s ON s.episode = o.episode
LEFT JOIN (
  SELECT k.episode, 1.0 * sum(k.latency_ms) / sum(k.calls) AS ms_per_call
  FROM v_costs AS k
  WHERE k.latency_ms IS NOT NULL AND k.episode IN (SELECT p.id FROM episode AS p WHERE p.batch = :batch)
  GROUP BY k.episode
) AS c ON c.episode = o.episode
WHERE o.batch = :batch
ORDER BY o.scenario, o.cell, o.seed, o.replicate, o.episode
