-- Which turns took longest to compute, and for how much of it models were waited for.
-- :most = 20 -- at most so many turns
SELECT
  t.episode AS episode, -- the episode's id
  t.turn AS turn, -- the turn
  t.wall_ms AS wall_ms, -- milliseconds it took
  c.calls AS attempts, -- attempts at requests in the take that was kept
  c.latency_ms AS latency_ms, -- milliseconds of all these together: more than the turn took where they ran at once
  c.slowest_ms AS slowest_ms, -- milliseconds of the slowest
  c.errors AS errors -- attempts without an answer
FROM turn AS t
LEFT JOIN (
  SELECT
    v.episode, v.turn, v.take, count(*) AS calls, sum(v.latency_ms) AS latency_ms, max(v.latency_ms) AS slowest_ms,
    count(CASE WHEN v.status = 'error' THEN 1 END) AS errors
  FROM call AS v
  WHERE {these}(v.episode)
  GROUP BY v.episode, v.turn, v.take
) AS c ON c.episode = t.episode AND c.turn = t.turn AND c.take = t.take
WHERE {these}(t.episode)
ORDER BY t.wall_ms DESC, t.episode, t.turn
LIMIT :most
