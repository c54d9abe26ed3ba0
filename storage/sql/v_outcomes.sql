-- How episodes went: one row for each.
SELECT
  n.episode AS episode, -- the episode's id
  n.scenario AS scenario, -- what was played
  n.world AS world, -- in which world
  n.seed AS seed, -- with which seed
  n.batch AS batch, -- the batch it belongs to; NULL for a single run
  n.cell AS cell, -- its point of the batch's grid
  n.replicate AS replicate, -- the how-manieth of its cell, from 0
  n.status AS status, -- `running`, `paused`, `success`, `degraded`, `error` or `cancelled`
  n.reason AS reason, -- why it ended or paused
  n.reward AS reward, -- 0-1 where the world sets a task; else NULL
  n.outcome AS outcome, -- how things stood at the end, as JSON
  n.turns AS turns, -- turns played, silences included; neither the opening (turn 0) nor a closing turn
  n.utterances AS utterances, -- what participants said or whispered
  n.calls AS calls, -- requests of minds, `rules` included, probes left out; of a fork, those since it parted
  n.attempts AS attempts, -- attempts at them
  n.fallbacks AS fallbacks, -- requests given up after no valid reply
  CASE WHEN n.calls > 0 THEN CAST(n.fallbacks AS FLOAT) / n.calls ELSE 0.0 END AS fallback_rate, -- fallbacks per request, 0-1
  CASE WHEN n.unknown_prices = 0 THEN n.cost END AS cost_usd, -- dollars, probes included; NULL where any price is unknown; of a fork, since it parted
  n.unknown_prices AS unknown_prices, -- answers without a known price
  n.created_at AS started, -- when it began, UTC
  n.ended_at AS ended, -- when it ended, UTC; NULL while it is running or paused
  n.parent_episode AS parent_episode, -- the episode it was forked from
  n.parent_turn AS parent_turn -- the last turn it shares with that one
FROM (
  SELECT
    e.id AS episode, e.*,
    (SELECT count(*) FROM turn AS t WHERE t.episode = e.id AND t.turn > 0 AND NOT t.closing) AS turns,
    (
      SELECT count(*) FROM event AS v
      WHERE v.episode = e.id AND v.origin = 'participant' AND v.kind IN ('say', 'whisper')
    ) AS utterances,
    (
      SELECT count(DISTINCT c.turn || '/' || c.take || '/' || c.participant || '/' || c.purpose || '/' || c.ordinal)
      FROM call AS c WHERE c.episode = e.id AND c.purpose <> 'probe'
    ) AS calls,
    (SELECT count(*) FROM call AS c WHERE c.episode = e.id AND c.purpose <> 'probe') AS attempts,
    (
      SELECT count(*) FROM call AS c WHERE c.episode = e.id AND c.status = 'fallback' AND c.purpose <> 'probe'
    ) AS fallbacks,
    (
      SELECT count(*) FROM call AS c WHERE c.episode = e.id AND c.cost_usd IS NULL AND c.status <> 'error'
    ) AS unknown_prices,
    (SELECT coalesce(sum(c.cost_usd), 0.0) FROM call AS c WHERE c.episode = e.id) AS cost
  FROM episode AS e
) AS n
