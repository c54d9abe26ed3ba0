-- How unequally utterances are spread over the participants, silent ones included: 0 where all speak equally often,
-- (k - 1) / k where one of k speaks alone. With x in rising order, i = 1 ... k: 2 sum(i x) / (k sum(x)) - (k + 1) / k.
-- family: participation
-- unit: Gini coefficient
-- range: 0 to 1 - 1/k, for k participants
-- n: episodes in which somebody spoke
-- source: Gini 1914, the ratio of concentration, which rests on his mean difference of 1912 (both after Pellegrino 2020, SIEP
--   working paper 767); the formula over ranks is the usual one
SELECT
  r.episode,
  2.0 * sum(r.place * r.utterances) / (count(*) * sum(r.utterances)) - (count(*) + 1.0) / count(*) AS total,
  1 AS n
FROM (
  SELECT s.*, row_number() OVER (PARTITION BY s.episode ORDER BY s.utterances, s.participant) AS place
  FROM (
{part spoke}  ) AS s
) AS r
GROUP BY r.episode
HAVING sum(r.utterances) > 0
