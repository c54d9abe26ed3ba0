-- Whether minds come to take the same to be common ground over an episode: the slope over turns of
-- `common_ground_distance`.
-- family: beliefs
-- unit: total variation a turn
-- range: -1 to 1; negative where they come nearer
-- n: episodes
-- always: estimator
-- source: ours; ordinary least squares
{part common_grounds}{part distances}SELECT
  s.episode, s.estimator, (s.n * s.td - s.t * s.d) / (s.n * s.tt - s.t * s.t) AS total, 1 AS n
FROM (
  SELECT r.episode, r.estimator, sum(r.n) AS n, sum(r.t) AS t, sum(r.tt) AS tt, sum(r.d) AS d, sum(r.td) AS td
  FROM (
    SELECT
      x.episode, x.estimator, 1.0 * x.turns AS n, x.turns * x.distance AS d,
      x.turns * (x.first + x.until - 1) / 2.0 AS t, x.distance * x.turns * (x.first + x.until - 1) / 2.0 AS td,
      ((x.until - 1.0) * x.until * (2 * x.until - 1) - (x.first - 1.0) * x.first * (2 * x.first - 1)) / 6 AS tt
    FROM apart AS x
  ) AS r
  GROUP BY r.episode, r.estimator
) AS s
WHERE s.n * s.tt - s.t * s.t > 0
