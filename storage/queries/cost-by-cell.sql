-- What each cell of a batch cost and brought: episodes, reward, requests, dollars. Single runs are a row of their own.
SELECT
  o.batch AS batch, -- the batch's id; NULL for single runs
  o.cell AS cell, -- the point of its grid
  count(*) AS episodes, -- how many there are
  count(CASE WHEN o.status = 'success' THEN 1 END) AS succeeded, -- how many ended well
  avg(o.reward) AS reward, -- on average, 0-1; NULL where the world sets no task
  count(o.reward) AS rewarded, -- how many have a reward: the n of that average
  avg(1.0 * o.turns) AS turns, -- turns of an episode, on average
  CAST(sum(o.calls) AS BIGINT) AS calls, -- requests in all
  CAST(sum(o.fallbacks) AS BIGINT) AS fallbacks, -- requests given up
  coalesce(sum(o.cost_usd), 0.0) AS cost_usd, -- dollars, of the episodes whose prices are known
  count(CASE WHEN o.cost_usd IS NULL THEN 1 END) AS unknown_costs -- episodes with a price that is not known
FROM v_outcomes AS o
WHERE {these}(o.episode)
GROUP BY o.batch, o.cell
ORDER BY CASE WHEN o.batch IS NULL THEN 0 ELSE 1 END, batch, cell
